// In: requests of the machine. Out: what the server answers, or a problem: a server is anybody until a signature holds, so every
// answer is bounded in size and time, no redirect is followed and nothing but the expected form is read. Every request may be
// repeated, so one that was cut off is.

using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Machine.Service;

/// <summary>Talks to one server.</summary>
public sealed class ServerClient : IDisposable
{
    /// <summary>The most bytes that a module may have.</summary>
    public const int LargestModule = 64 << 20;

    private const int LargestAnswer = 8 << 20;
    private const int MostTries = 5;

    private static readonly TimeSpan longestSilence = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan longestAnswer = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan longestUpload = TimeSpan.FromMinutes(60);

    // A server that asks for more patience gets this much at a time, and is then asked again.
    private static readonly TimeSpan longestWait = TimeSpan.FromMinutes(5);

    private readonly HttpClient http;
    private readonly ServerAddress address;
    private readonly RetryPolicy patience;
    private readonly ConnectionFailure failures;

    /// <summary>Makes the client; nothing is sent yet.</summary>
    public ServerClient(ServerAddress address, string? token, RetryPolicy patience, IWebProxy proxy)
    {
        this.address = address;
        this.patience = patience;
        failures = new(address, proxy, patience.Time);
        http = new(
            new SocketsHttpHandler
            {
                Proxy = proxy,
                SslOptions = { RemoteCertificateValidationCallback = failures.Accept },
                AllowAutoRedirect = false,
                UseCookies = false,
                AutomaticDecompression = DecompressionMethods.None,
                ConnectTimeout = TimeSpan.FromSeconds(20),
                ResponseDrainTimeout = TimeSpan.FromSeconds(1),
                MaxResponseDrainSize = 64 << 10,
            }
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        http.DefaultRequestHeaders.UserAgent.Add(new("elivepatch", typeof(ServerClient).Assembly.GetName().Version?.ToString(3)));
        if (token is not null)
        {
            http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        }
    }

    /// <summary>The server's keys.</summary>
    public Task<Outcome<IReadOnlyList<KeyView>>> GetKeysAsync(CancellationToken cancellation) =>
        AskAsync(
            () => new(HttpMethod.Get, address.UrlFor(ApiRoutes.Keys)),
            ProtocolJson.Default.IReadOnlyListKeyView,
            IsWhole,
            longestAnswer,
            cancellation
        );

    /// <summary>Makes a kernel known by its capture.</summary>
    public Task<Outcome<KernelView>> RegisterAsync(byte[] capture, CancellationToken cancellation) =>
        AskAsync(
            () => new(HttpMethod.Post, address.UrlFor(ApiRoutes.Kernels)) { Content = Bytes(capture) },
            ProtocolJson.Default.KernelView,
            IsWhole,
            longestUpload,
            cancellation
        );

    /// <summary>A kernel.</summary>
    public Task<Outcome<KernelView>> GetKernelAsync(string kernel, CancellationToken cancellation) =>
        AskAsync(
            () => new(HttpMethod.Get, address.UrlFor(ApiRoutes.Kernel(kernel))),
            ProtocolJson.Default.KernelView,
            IsWhole,
            longestAnswer,
            cancellation
        );

    /// <summary>Sends a missing part of a kernel from a file; null where that was done.</summary>
    public async Task<Problem?> SendPartAsync(string kernel, string part, string path, CancellationToken cancellation)
    {
        try
        {
            var sent = await TalkAsync(
                () =>
                    new(HttpMethod.Put, address.UrlFor(ApiRoutes.KernelPart(kernel, part)))
                    {
                        Content = new StreamContent(File.OpenRead(path))
                        {
                            Headers = { ContentType = new("application/octet-stream") },
                        },
                    },
                (_, _) => Task.FromResult<Outcome<bool>>(true),
                longestUpload,
                cancellation
            );
            return sent.Succeeded ? null : sent.Problems[0];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            return new(CommandProblems.InputUnusable, e.Message);
        }
    }

    /// <summary>Submits a build, or finds the equal one that was submitted before.</summary>
    public Task<Outcome<BuildView>> SubmitAsync(BuildSubmission submission, CancellationToken cancellation)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(submission, ProtocolJson.Default.BuildSubmission);
        return AskAsync(
            () => new(HttpMethod.Post, address.UrlFor(ApiRoutes.Builds)) { Content = Bytes(body, "application/json") },
            ProtocolJson.Default.BuildView,
            IsWhole,
            longestAnswer,
            cancellation
        );
    }

    /// <summary>A build.</summary>
    public Task<Outcome<BuildView>> GetBuildAsync(string build, CancellationToken cancellation) =>
        AskAsync(
            () => new(HttpMethod.Get, address.UrlFor(ApiRoutes.Build(build))),
            ProtocolJson.Default.BuildView,
            view => IsWhole(view) && view.Id == build,
            longestAnswer,
            cancellation
        );

    /// <summary>Says how this machine is.</summary>
    public Task<Outcome<MachineView>> ReportAsync(MachineReport report, CancellationToken cancellation)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(report, ProtocolJson.Default.MachineReport);
        return AskAsync(
            () => new(HttpMethod.Post, address.UrlFor(ApiRoutes.Machines)) { Content = Bytes(body, "application/json") },
            ProtocolJson.Default.MachineView,
            view => view is { Id: not null, Report: not null },
            longestAnswer,
            cancellation
        );
    }

    /// <summary>Whether a module has been withdrawn. What is answered is not believed before its signature holds.</summary>
    public Task<Outcome<WithdrawalAnswer>> GetWithdrawalAsync(string sha256, CancellationToken cancellation) =>
        AskAsync(
            () => new(HttpMethod.Get, address.UrlFor(ApiRoutes.Withdrawal(sha256))),
            ProtocolJson.Default.WithdrawalAnswer,
            _ => true,
            longestAnswer,
            cancellation
        );

    /// <summary>A build's module.</summary>
    public Task<Outcome<byte[]>> GetModuleAsync(string build, CancellationToken cancellation) =>
        FetchAsync(ApiRoutes.Artifact(build), LargestModule, cancellation);

    /// <summary>A build's manifest.</summary>
    public Task<Outcome<byte[]>> GetManifestAsync(string build, CancellationToken cancellation) =>
        FetchAsync(ApiRoutes.Manifest(build), Protocol.Manifests.Envelope.LargestFile, cancellation);

    /// <summary>Reads the events of a build as long as they come.</summary>
    /// <param name="build">The build.</param>
    /// <param name="after">The last event that is known.</param>
    /// <param name="take">Takes each new event.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>A problem where the stream did not come to a good end.</returns>
    public async Task<Problem?> ReadEventsAsync(string build, long after, Action<BuildEvent> take, CancellationToken cancellation)
    {
        var read = await TalkAsync<bool>(
            () =>
            {
                var request = new HttpRequestMessage(HttpMethod.Get, address.UrlFor(ApiRoutes.Events(build)));
                request.Headers.Accept.Add(new(EventReader.MediaType));
                if (after > 0)
                {
                    request.Headers.Add("Last-Event-ID", after.ToString(System.Globalization.CultureInfo.InvariantCulture));
                }

                return request;
            },
            async (response, inTime) =>
            {
                if (response.Content.Headers.ContentType?.MediaType is not EventReader.MediaType)
                {
                    return Malformed($"its events are {Type(response)}");
                }

                await using var body = new BoundedStream(
                    await response.Content.ReadAsStreamAsync(inTime),
                    EventReader.LargestEvent,
                    longestSilence
                );
                return await EventReader.ReadAsync(body, after, take, inTime) is { } problem ? problem : true;
            },
            Timeout.InfiniteTimeSpan,
            cancellation,
            tries: 1
        );
        return read.Succeeded ? null : read.Problems[0];
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private Task<Outcome<byte[]>> FetchAsync(string route, int limit, CancellationToken cancellation) =>
        TalkAsync<byte[]>(
            () => new(HttpMethod.Get, address.UrlFor(route)),
            async (response, inTime) => await ReadAsync(response, limit, inTime),
            longestAnswer,
            cancellation
        );

    private Task<Outcome<T>> AskAsync<T>(
        Func<HttpRequestMessage> make,
        JsonTypeInfo<T> type,
        Func<T, bool> isWhole,
        TimeSpan limit,
        CancellationToken cancellation
    )
        where T : class =>
        TalkAsync<T>(
            make,
            async (response, inTime) =>
            {
                if (response.Content.Headers.ContentType?.MediaType is not "application/json")
                {
                    return Malformed($"it is {Type(response)}, not JSON");
                }

                var body = await ReadAsync(response, LargestAnswer, inTime);
                // What the constructor of a record takes may be null in JSON all the same.
                return JsonSerializer.Deserialize(body, type) is { } value && isWhole(value)
                    ? value
                    : Malformed("parts of it are missing");
            },
            limit,
            cancellation
        );

    // One conversation, and again where it was cut off or the server asks for patience.
    private async Task<Outcome<T>> TalkAsync<T>(
        Func<HttpRequestMessage> make,
        Func<HttpResponseMessage, CancellationToken, Task<Outcome<T>>> read,
        TimeSpan limit,
        CancellationToken cancellation,
        int tries = MostTries
    )
    {
        for (var number = 1; ; number++)
        {
            var (outcome, wait) = await TryAsync(make, read, limit, cancellation);
            if (outcome.Succeeded || wait is not { } pause || number >= tries)
            {
                return outcome;
            }

            var isAsked = pause > TimeSpan.Zero;
            pause = isAsked ? pause : patience.Pause * (1 << (number - 1));
            pause = pause < longestWait ? pause : longestWait;
            if (isAsked)
            {
                patience.OnWait(pause);
            }

            await Task.Delay(pause, patience.Time, cancellation);
            if (isAsked)
            {
                patience.OnWait(null);
            }
        }
    }

    // The answer, and for one that may be asked again how long to wait first: no time says that we decide.
    private async Task<(Outcome<T> Answer, TimeSpan? Wait)> TryAsync<T>(
        Func<HttpRequestMessage> make,
        Func<HttpResponseMessage, CancellationToken, Task<Outcome<T>>> read,
        TimeSpan limit,
        CancellationToken cancellation
    )
    {
        using var inTime = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        inTime.CancelAfter(limit);
        try
        {
            using var request = make();
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, inTime.Token);
            if (response.IsSuccessStatusCode)
            {
                return (await read(response, inTime.Token), null);
            }

            var isBusy = response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable;
            if (
                response.Content.Headers.ContentType?.MediaType != ProblemDetails.MediaType
                && await failures.ExplainAsync(response.StatusCode, cancellation) is { } explained
            )
            {
                return (explained, null);
            }

            return (await RefusalAsync<T>(response, inTime.Token), isBusy ? RetryAfter(response) : null);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return (Unreachable($"no whole answer came within {limit.TotalSeconds:0} s"), null);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            var (problem, isPassing) = await failures.ExplainAsync(e, cancellation);
            return (problem, isPassing ? TimeSpan.Zero : null);
        }
        catch (Exception e) when (e is JsonException or InvalidDataException)
        {
            return (Malformed(e.Message), null);
        }
    }

    private async Task<Outcome<T>> RefusalAsync<T>(HttpResponseMessage response, CancellationToken cancellation)
    {
        var status = (int)response.StatusCode;
        if (status is >= 300 and < 400)
        {
            return Malformed(
                $"it redirects ({status}) to {response.Headers.Location}",
                "Name that address instead: redirects are not followed, because the token would go along."
            );
        }
        if (response.Content.Headers.ContentType?.MediaType == ProblemDetails.MediaType)
        {
            var details = JsonSerializer.Deserialize(
                await ReadAsync(response, LargestAnswer, cancellation),
                ProtocolJson.Default.ProblemDetails
            );
            if (details?.Problems is { Count: > 0 } problems && problems.All(IsWhole))
            {
                return Outcome<T>.Failure([.. problems.Take(100).Select(p => p.ToProblem())]);
            }
        }
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized => new Problem(
                ServiceProblems.TokenRefused,
                $"{address} wants {(http.DefaultRequestHeaders.Authorization is null ? "a token" : "another token")}"
            ),
            HttpStatusCode.Forbidden => new Problem(ServiceProblems.ScopeMissing, $"{address} says {status}"),
            HttpStatusCode.RequestEntityTooLarge => new Problem(ServiceProblems.RequestTooLarge, $"{address} says {status}"),
            HttpStatusCode.TooManyRequests => new Problem(ServiceProblems.TooManyRequests, $"{address} says {status}"),
            HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout => Unreachable(
                $"it says {status}"
            ),
            _ => Malformed($"it says {status}, {Type(response)}"),
        };
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) =>
        response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta > TimeSpan.Zero ? delta : TimeSpan.Zero,
            { Date: { } date } => date > patience.Time.GetUtcNow() ? date - patience.Time.GetUtcNow() : TimeSpan.Zero,
            _ => TimeSpan.Zero,
        };

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, int limit, CancellationToken cancellation)
    {
        if (response.Content.Headers.ContentLength > limit)
        {
            throw new InvalidDataException($"it has {response.Content.Headers.ContentLength} bytes, more than {limit}");
        }

        await using var body = new BoundedStream(await response.Content.ReadAsStreamAsync(cancellation), limit, longestSilence);
        using var content = new MemoryStream();
        await body.CopyToAsync(content, cancellation);
        return content.ToArray();
    }

    private static ByteArrayContent Bytes(byte[] content, string type = "application/gzip") =>
        new(content) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };

    private static string Type(HttpResponseMessage response) =>
        response.Content.Headers.ContentType?.MediaType is { Length: > 0 } type ? type : "of no type";

    private static bool IsWhole(KernelView view) =>
        view is { Id.Length: > 0, Release: not null, BuildId: not null, Missing: not null }
        && view.Missing.All(m => m is { Name: not null, Why: not null });

    private static bool IsWhole(BuildView view) => view is { Id.Length: > 0, Problems: not null } && view.Problems.All(IsWhole);

    private static bool IsWhole(IReadOnlyList<KeyView> keys) =>
        keys.Count <= 1000 && keys.All(k => k is { Id: not null, PublicKey: not null });

    private static bool IsWhole(ProblemReport problem) =>
        problem is { Code: not null, Title: not null, Reason: not null, Remedy: not null };

    private Problem Unreachable(string reason) => failures.Unreachable(reason);

    private Problem Malformed(string reason, string? remedy = null) =>
        new(ServiceProblems.ServerAnswerMalformed, $"{address}: {reason}", remedy);
}
