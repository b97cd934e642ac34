// A server that plays answers. By default it is honest: it knows every kernel, builds every livepatch at once (a file that says
// its name) and signs it. A test changes what it says in one place.

using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Elivepatch.Client.Tests.Machine;
using Elivepatch.Machine;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Captures;
using Elivepatch.Protocol.Manifests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Elivepatch.Client.Tests.Service;

internal sealed class FakeServer : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly Lock access = new();
    private readonly List<string> requests = [];
    private string? url;

    private FakeServer(WebApplication application)
    {
        this.application = application;
        Keys = [View(Key, isCurrent: true, null)];
    }

    /// <summary>Where it is, or was.</summary>
    public string Url => url ??= application.Urls.Single();

    public SigningKey Key { get; set; } = SigningKey.Create();

    public List<KeyView> Keys { get; }

    /// <summary>Answers in place of the honest ones, by method and path; the first that matches.</summary>
    public Dictionary<string, Func<HttpContext, Task>> Instead { get; } = [];

    public List<BuildSubmission> Submissions { get; } = [];

    public List<MachineReport> Reports { get; } = [];

    /// <summary>Signed notices of what has been withdrawn.</summary>
    public List<Envelope> Withdrawals { get; } = [];

    public List<CaptureFacts> Captures { get; } = [];

    public Dictionary<string, byte[]> Parts { get; } = [];

    public List<MissingPart> Missing { get; } = [];

    public List<BuildEvent> Events { get; } =
    [Stage(1, "compile", "running"), Stage(2, "compile", "done"), Stage(3, "test", "cached")];

    /// <summary>Changes the statement before it is signed.</summary>
    public Func<Statement, Statement> Alter { get; set; } = s => s;

    /// <summary>Changes the module after it was signed.</summary>
    public Func<byte[], byte[]> Tamper { get; set; } = m => m;

    /// <summary>What a build becomes.</summary>
    public Func<BuildView, BuildView> End { get; set; } = b => b with { State = BuildState.Succeeded, Tested = true };

    public DateTimeOffset Issued { get; set; } = DateTimeOffset.UtcNow;

    public IReadOnlyList<string> Requests
    {
        get
        {
            lock (access)
            {
                return [.. requests];
            }
        }
    }

    public static async Task<FakeServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(k => k.Limits.MaxRequestBodySize = null);
        builder.Services.Configure<KestrelServerOptions>(o => o.AllowSynchronousIO = true);
        var application = builder.Build();
        var server = new FakeServer(application);
        application.Run(server.AnswerAsync);
        await application.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public static BuildEvent Stage(long number, string stage, string status) =>
        new(number, DateTimeOffset.UtcNow, BuildEventKind.Stage, stage, "", status);

    public static KeyView View(SigningKey key, bool isCurrent, Envelope? endorsement) =>
        new(key.Public.Id, PublicKey.Algorithm, key.Public.Pem, DateTimeOffset.UtcNow, isCurrent, endorsement);

    /// <summary>Goes over to a new key, which the old one endorses, or does not.</summary>
    public void Rotate(bool isEndorsed)
    {
        var next = SigningKey.Create();
        var said = new KeyEndorsement(Key.Public.Id, next.Public.Id, next.Public.Pem, DateTimeOffset.UtcNow);
        var envelope = Key.Sign(
            KeyEndorsement.PayloadType,
            JsonSerializer.SerializeToUtf8Bytes(said, ManifestJson.Default.KeyEndorsement)
        );
        Keys.Clear();
        Keys.Add(View(Key, isCurrent: false, isEndorsed ? envelope : null));
        Keys.Add(View(next, isCurrent: true, null));
        Key = next;
    }

    public async ValueTask DisposeAsync() => await application.DisposeAsync();

    public static async Task JsonAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(value, type));
    }

    public static async Task ProblemAsync(HttpContext context, int status, params ProblemReport[] problems)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = ProblemDetails.MediaType;
        var details = new ProblemDetails
        {
            Type = "urn:elivepatch:problem:" + problems[0].Code,
            Title = problems[0].Title,
            Status = status,
            Problems = problems,
        };
        await context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(details, ProtocolJson.Default.ProblemDetails));
    }

    public async Task EventsAsync(HttpContext context, IEnumerable<BuildEvent> events)
    {
        context.Response.ContentType = "text/event-stream";
        foreach (var happened in events)
        {
            var json = JsonSerializer.Serialize(happened, ProtocolJson.Default.BuildEvent);
            await context.Response.WriteAsync($"id: {happened.Sequence}\nevent: stage\ndata: {json}\n\n");
        }
    }

    public BuildView BuildOf(int number, BuildState state = BuildState.Running)
    {
        var submission = Submissions[number];
        return new()
        {
            Id = number.ToString(CultureInfo.InvariantCulture),
            State = state,
            Kernel = submission.Kernel,
            Release = FakeMachine.Release,
            Patches = References(submission.Patches),
            Requester = "machine",
            Submitted = DateTimeOffset.UtcNow,
            Module = submission.Name,
        };
    }

    private static IReadOnlyList<PatchReference> References(IEnumerable<PatchFile> patches) =>
        [.. patches.Select(p => new PatchReference(p.Name, Convert.ToHexStringLower(SHA256.HashData(p.Content))))];

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        var line = $"{context.Request.Method} {path}";
        lock (access)
        {
            requests.Add(line);
        }

        if (
            Instead
                .FirstOrDefault(i =>
                    line.EndsWith(i.Key, StringComparison.Ordinal)
                    || (i.Key.EndsWith('*') && line.StartsWith(i.Key[..^1], StringComparison.Ordinal))
                )
                .Value is
            { } other
        )
        {
            await other(context);
            return;
        }
        await HonestAsync(context);
    }

    /// <summary>The honest answer.</summary>
    public async Task HonestAsync(HttpContext context)
    {
        var words = context.Request.Path.Value![(ApiRoutes.Root.Length + 1)..].Split('/');
        switch (context.Request.Method, words)
        {
            case ("GET", ["keys"]):
                await JsonAsync(context, Keys, ProtocolJson.Default.IReadOnlyListKeyView);
                break;
            case ("POST", ["kernels"]):
                var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body);
                body.Position = 0;
                Captures.Add(CaptureFile.Read(body).Value.Facts);
                await JsonAsync(context, Kernel(), ProtocolJson.Default.KernelView);
                break;
            case ("GET", ["kernels", "k1"]):
                await JsonAsync(context, Kernel(), ProtocolJson.Default.KernelView);
                break;
            case ("PUT", ["kernels", "k1", "parts", var part]):
                var sent = new MemoryStream();
                await context.Request.Body.CopyToAsync(sent);
                Parts[part] = sent.ToArray();
                Missing.RemoveAll(m => m.Name == part);
                context.Response.StatusCode = 204;
                break;
            case ("POST", ["machines"]):
                var report = await JsonSerializer.DeserializeAsync(context.Request.Body, ProtocolJson.Default.MachineReport);
                Reports.Add(report!);
                var told = report!.Livepatches.Select(l => NoticeOf(l.Sha256)).OfType<Envelope>().ToList();
                var view = new MachineView("m1", report, "machine", DateTimeOffset.UtcNow, DateTimeOffset.UtcNow)
                {
                    Withdrawals = told.Count > 0 ? told : null,
                };
                await JsonAsync(context, view, ProtocolJson.Default.MachineView);
                break;
            case ("GET", ["withdrawals", var module]):
                await JsonAsync(context, new(NoticeOf(module)), ProtocolJson.Default.WithdrawalAnswer);
                break;
            case ("POST", ["builds"]):
                var submission = await JsonSerializer.DeserializeAsync(
                    context.Request.Body,
                    ProtocolJson.Default.BuildSubmission
                );
                Submissions.Add(submission!);
                await JsonAsync(context, BuildOf(Submissions.Count - 1, BuildState.Queued), ProtocolJson.Default.BuildView, 202);
                break;
            case ("GET", ["builds", var build]):
                await JsonAsync(context, End(BuildOf(Number(build))), ProtocolJson.Default.BuildView);
                break;
            case ("GET", ["builds", _, "events"]):
                var after = long.TryParse(context.Request.Headers["Last-Event-ID"], CultureInfo.InvariantCulture, out var last)
                    ? last
                    : 0;
                await EventsAsync(context, Events.Where(e => e.Sequence > after));
                break;
            case ("GET", ["builds", var build, "artifact"]):
                context.Response.ContentType = "application/octet-stream";
                await context.Response.Body.WriteAsync(Tamper(FakeMachine.Module(Submissions[Number(build)].Name!)));
                break;
            case ("GET", ["builds", var build, "manifest"]):
                await JsonAsync(context, Sign(Alter(Say(Submissions[Number(build)]))), ManifestJson.Default.Envelope);
                break;
            default:
                context.Response.StatusCode = 404;
                break;
        }
    }

    /// <summary>A manifest for a livepatch that nobody submitted.</summary>
    public byte[] Sign(OwnLivepatch livepatch)
    {
        var submission = new BuildSubmission
        {
            Kernel = "k1",
            Patches = [],
            Name = livepatch.Module,
        };
        var statement = Say(submission);
        var definition = statement.Predicate.BuildDefinition;
        var asked = definition.ExternalParameters with { Patches = livepatch.Patches };
        statement = statement with
        {
            Predicate = statement.Predicate with { BuildDefinition = definition with { ExternalParameters = asked } },
        };
        return JsonSerializer.SerializeToUtf8Bytes(Sign(statement), ManifestJson.Default.Envelope);
    }

    private Envelope Sign(Statement statement) =>
        Key.Sign(Statement.PayloadType, JsonSerializer.SerializeToUtf8Bytes(statement, ManifestJson.Default.Statement));

    private Envelope? NoticeOf(string? module) =>
        Withdrawals.Find(w => JsonSerializer.Deserialize(w.Payload, ManifestJson.Default.WithdrawalNotice)!.Sha256 == module);

    private static int Number(string build) => int.Parse(build, CultureInfo.InvariantCulture);

    private KernelView Kernel() =>
        new(
            "k1",
            FakeMachine.Release,
            FakeMachine.BuildId,
            "gcc 12",
            Missing.Any(m => m.IsRequired) ? KernelState.Incomplete : KernelState.Ready,
            "layout",
            false,
            [.. Missing],
            DateTimeOffset.UtcNow
        );

    private Statement Say(BuildSubmission submission) =>
        new()
        {
            Type = Statement.StatementType,
            PredicateType = Statement.ProvenanceType,
            Subject =
            [
                new(
                    submission.Name + ".ko",
                    new(Convert.ToHexStringLower(SHA256.HashData(FakeMachine.Module(submission.Name!))))
                ),
            ],
            Predicate = new(
                new BuildDefinition
                {
                    BuildType = BuildDefinition.LivepatchType,
                    ExternalParameters = new(
                        FakeMachine.Release,
                        FakeMachine.BuildId,
                        References(submission.Patches),
                        References(submission.BasePatches),
                        submission.Name!,
                        submission.Replace
                    )
                    {
                        Statements = submission.Statements,
                    },
                    InternalParameters = new(
                        "0.1.0",
                        "gcc 12",
                        [new("fs/proc/meminfo.c", "bytes", 3)],
                        new(true, ["load"], 0.1, null)
                    ),
                },
                new(new("urn:elivepatch:server:" + Key.Public.Id, new Dictionary<string, string>()), new("0", Issued, Issued)),
                new(Issued, Issued.AddDays(30))
            ),
        };
}
