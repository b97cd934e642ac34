// In: what a worker has to say. Out: what a server answers. Every request may be repeated: one that nobody answers goes to the
// next server, and round again, as long as the caller has patience.

using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Builder.Workers;

/// <summary>Talks to servers as a worker.</summary>
internal sealed class WorkClient : IDisposable
{
    private const long LargestAnswer = 256L << 20;
    private static readonly TimeSpan connecting = TimeSpan.FromSeconds(5);

    // Of two servers one may hang: the other has to be asked before the usual lease is over.
    private static readonly TimeSpan reportAnswer = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan shortAnswer = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan longAnswer = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan firstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan longestPause = TimeSpan.FromSeconds(5);

    // A server wants everything said, also that something is not there.
    private static readonly ProtocolJson whole = new(
        new JsonSerializerOptions(ProtocolJson.Default.Options) { DefaultIgnoreCondition = JsonIgnoreCondition.Never }
    );

    private readonly HttpClient http;
    private readonly IReadOnlyList<Uri> servers;
    private readonly string worker;
    private int current;

    /// <summary>Makes the client; nothing is sent yet.</summary>
    public WorkClient(IReadOnlyList<Uri> servers, string token, string worker)
    {
        (this.servers, this.worker) = (servers, worker);
        http = new(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                ConnectTimeout = connecting,
            }
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>Says what the worker does. Asked of each server once: the next report comes soon.</summary>
    public Task<Outcome<WorkerOrders>> ReportAsync(WorkerReport report, CancellationToken cancellation) =>
        AskAsync(
            () => Json(ApiRoutes.Worker(worker), report, ProtocolJson.Default.WorkerReport),
            ProtocolJson.Default.WorkerOrders,
            reportAnswer,
            rounds: 1,
            cancellation
        );

    /// <summary>Takes a build up.</summary>
    public Task<Outcome<WorkOrder>> BeginAsync(string build, CancellationToken cancellation) =>
        AskAsync(
            () => Json(ApiRoutes.WorkBegin(build), new(worker), ProtocolJson.Default.WorkBegin),
            ProtocolJson.Default.WorkOrder,
            shortAnswer,
            rounds: null,
            cancellation
        );

    /// <summary>Writes something that a build is made of to a stream.</summary>
    public Task<Problem?> FetchAsync(
        AssignedBuild hold,
        string digest,
        Func<Stream, CancellationToken, Task<Problem?>> take,
        CancellationToken cancellation
    ) => DownloadAsync(() => Of(ApiRoutes.WorkInput(hold.Build, digest), hold), take, cancellation);

    /// <summary>Writes a toolchain root to a stream, from whichever server has it.</summary>
    public async Task<Problem?> FetchToolchainAsync(
        string digest,
        Func<Stream, CancellationToken, Task<Problem?>> take,
        CancellationToken cancellation
    )
    {
        Problem? problem = null;
        foreach (var _ in servers)
        {
            problem = await DownloadAsync(() => new(Server, ApiRoutes.Toolchain(digest)), take, cancellation);
            if (problem is null)
            {
                break;
            }

            // A root lies with the server that made it.
            Interlocked.Increment(ref current);
        }

        return problem;
    }

    /// <summary>Adds events.</summary>
    /// <param name="hold">The build.</param>
    /// <param name="told">How many were sent in this attempt before these.</param>
    /// <param name="events">The events.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<Problem?> AddEventsAsync(
        AssignedBuild hold,
        long told,
        IReadOnlyList<BuildEvent> events,
        CancellationToken cancellation
    ) =>
        TalkAsync(
            () =>
                Posted(
                    Of(ApiRoutes.WorkEvents(hold.Build), hold, string.Create(CultureInfo.InvariantCulture, $"&told={told}")),
                    events,
                    ProtocolJson.Default.IReadOnlyListBuildEvent
                ),
            NothingAsync,
            shortAnswer,
            rounds: 10,
            cancellation
        );

    /// <summary>Has a module signed.</summary>
    public async Task<Outcome<byte[]>> SignAsync(AssignedBuild hold, byte[] module, string hash, CancellationToken cancellation)
    {
        byte[] signed = [];
        var problem = await TalkAsync(
            () =>
            {
                var content = new ByteArrayContent(module) { Headers = { ContentType = new("application/octet-stream") } };
                return new(HttpMethod.Post, Of(ApiRoutes.WorkSignature(hold.Build), hold, $"&hash={Uri.EscapeDataString(hash)}"))
                {
                    Content = content,
                };
            },
            async (answer, inTime) =>
            {
                signed = await ReadAsync(answer, inTime);
                return null;
            },
            shortAnswer,
            rounds: null,
            cancellation
        );
        return problem is null ? signed : problem;
    }

    /// <summary>Ends a build.</summary>
    public Task<Problem?> SendResultAsync(AssignedBuild hold, WorkResult result, CancellationToken cancellation) =>
        TalkAsync(
            () => Json(ApiRoutes.WorkResult(hold.Build), hold, result, whole.WorkResult),
            NothingAsync,
            longAnswer,
            rounds: null,
            cancellation
        );

    /// <summary>Gives a build back.</summary>
    public Task<Problem?> ReleaseAsync(AssignedBuild hold, CancellationToken cancellation) =>
        TalkAsync(
            () => new(HttpMethod.Post, Of(ApiRoutes.WorkRelease(hold.Build), hold)),
            NothingAsync,
            shortAnswer,
            rounds: 2,
            cancellation
        );

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private Task<Problem?> DownloadAsync(
        Func<Uri> from,
        Func<Stream, CancellationToken, Task<Problem?>> take,
        CancellationToken cancellation
    ) =>
        TalkAsync(
            () => new(HttpMethod.Get, from()),
            async (answer, inTime) =>
            {
                await using var content = await answer.Content.ReadAsStreamAsync(inTime);
                return await take(content, inTime);
            },
            longAnswer,
            rounds: null,
            cancellation
        );

    private async Task<Outcome<T>> AskAsync<T>(
        Func<HttpRequestMessage> make,
        JsonTypeInfo<T> type,
        TimeSpan limit,
        int? rounds,
        CancellationToken cancellation
    )
        where T : class
    {
        T? value = null;
        var problem = await TalkAsync(
            make,
            async (answer, inTime) =>
            {
                value = JsonSerializer.Deserialize(await ReadAsync(answer, inTime), type);
                return value is null ? new(ServiceProblems.ServerAnswerMalformed, "it is empty") : null;
            },
            limit,
            rounds,
            cancellation
        );
        return problem is null ? value! : problem;
    }

    // What a server refuses is its answer; that there is none is no answer, and others are asked.
    private async Task<Problem?> TalkAsync(
        Func<HttpRequestMessage> make,
        Func<HttpResponseMessage, CancellationToken, Task<Problem?>> take,
        TimeSpan limit,
        int? rounds,
        CancellationToken cancellation
    )
    {
        var pause = firstPause;
        for (var tries = 1; ; tries++)
        {
            var problem = await TryAsync(make, take, limit, cancellation);
            if (problem is null || problem.Code != ServiceProblems.ServerUnreachable || tries >= rounds * servers.Count)
            {
                return problem;
            }

            Interlocked.Increment(ref current);
            if (tries % servers.Count == 0)
            {
                await Task.Delay(pause, cancellation);
                pause = pause * 2 < longestPause ? pause * 2 : longestPause;
            }
        }
    }

    private async Task<Problem?> TryAsync(
        Func<HttpRequestMessage> make,
        Func<HttpResponseMessage, CancellationToken, Task<Problem?>> take,
        TimeSpan limit,
        CancellationToken cancellation
    )
    {
        using var inTime = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        inTime.CancelAfter(limit);
        try
        {
            using var request = make();
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, inTime.Token);
            if (answer.IsSuccessStatusCode)
            {
                return await take(answer, inTime.Token);
            }

            var problem = ReadRefusal(answer.StatusCode, await ReadAsync(answer, inTime.Token));
            // A server whose database or disk is away, or which a proxy says is away, may be well again soon. One that breaks
            // (500) would break again.
            return
                (int)answer.StatusCode > (int)HttpStatusCode.InternalServerError
                || answer.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout
                ? new(ServiceProblems.ServerUnreachable, problem.Reason)
                : problem;
        }
        catch (JsonException e)
        {
            return new(ServiceProblems.ServerAnswerMalformed, e.Message);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new(ServiceProblems.ServerUnreachable, e.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new(ServiceProblems.ServerUnreachable, $"no answer in {limit.TotalSeconds:0} s");
        }
    }

    // What is no answer of ours is one of something before the server, or of another server.
    private static Problem ReadRefusal(HttpStatusCode status, byte[] body)
    {
        try
        {
            if (JsonSerializer.Deserialize(body, ProtocolJson.Default.ProblemDetails)?.Problems is [{ } first, ..])
            {
                return first.ToProblem();
            }
        }
        catch (JsonException)
        {
            // A page for people.
        }

        return new(ServiceProblems.ServerAnswerMalformed, $"it answers {(int)status}");
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        await answer.Content.LoadIntoBufferAsync(LargestAnswer, cancellation);
        return await answer.Content.ReadAsByteArrayAsync(cancellation);
    }

    private static Task<Problem?> NothingAsync(HttpResponseMessage answer, CancellationToken cancellation) =>
        Task.FromResult<Problem?>(null);

    private HttpRequestMessage Json<T>(string path, T body, JsonTypeInfo<T> type) => Posted(new(Server, path), body, type);

    private HttpRequestMessage Json<T>(string path, AssignedBuild hold, T body, JsonTypeInfo<T> type) =>
        Posted(Of(path, hold), body, type);

    private static HttpRequestMessage Posted<T>(Uri to, T body, JsonTypeInfo<T> type) =>
        new(HttpMethod.Post, to)
        {
            Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, type))
            {
                Headers = { ContentType = new("application/json") },
            },
        };

    private Uri Of(string path, AssignedBuild hold, string more = "") =>
        new(Server, string.Create(CultureInfo.InvariantCulture, $"{path}?worker={worker}&attempt={hold.Attempt}{more}"));

    private Uri Server => servers[(int)((uint)Volatile.Read(ref current) % (uint)servers.Count)];
}
