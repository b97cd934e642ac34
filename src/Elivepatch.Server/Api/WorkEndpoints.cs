using System.ComponentModel;
using Elivepatch.Builder.Workers;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Http;
using Elivepatch.Server.Kernels;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;
using Elivepatch.Server.Work;

namespace Elivepatch.Server.Api;

/// <summary>What workers ask: to be known, and to work on builds.</summary>
internal static class WorkEndpoints
{
    private const int MostListed = 1000;
    private const long LargestReport = 1 << 20;
    private const long LargestEvents = 16 << 20;
    private const int LargestModule = 64 << 20;

    // A module in base64, and what is said of it.
    private const long LargestResult = LargestModule * 2L;

    private static readonly TimeSpan shown = TimeSpan.FromHours(1);

    /// <summary>Adds the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes
            .MapGet(ApiRoutes.Workers, ListAsync)
            .RequireScope(TokenScopes.Read)
            .Describe("workers", "listWorkers", "Lists the workers that reported in the last hour.");
        routes
            .MapPost(Routes.Worker, AcceptReportAsync)
            .Produces<WorkerOrders>()
            .RequireScope(TokenScopes.Work)
            .AllowUpload(LargestReport)
            .AuditRefusalsOnly()
            .Describe(
                "workers",
                "reportWorker",
                "Reports what a worker can build and is running, every few seconds. The answer lists the builds that it must stop."
            );
        routes
            .MapPost(Routes.WorkBegin, BeginAsync)
            .Produces<WorkOrder>()
            .RequireScope(TokenScopes.Work)
            .Describe("work", "beginWork", "Assigns a build to a worker.");
        routes
            .MapGet(Routes.WorkInput, GetInputAsync)
            .Produces<Stream>(StatusCodes.Status200OK, "application/octet-stream")
            .RequireScope(TokenScopes.Work)
            .Describe("work", "getWorkInput", "Returns an input of a build.");
        routes
            .MapGet(Routes.Toolchain, GetToolchain)
            .Produces<Stream>(StatusCodes.Status200OK, "application/gzip")
            .RequireScope(TokenScopes.Work)
            .Describe("work", "getToolchain", "Returns a toolchain root as a tar archive compressed by gzip.");
        routes
            .MapPost(Routes.WorkEvents, AddEventsAsync)
            .Produces(StatusCodes.Status204NoContent)
            .RequireScope(TokenScopes.Work)
            .AllowUpload(LargestEvents)
            .AuditRefusalsOnly()
            .Describe("work", "addWorkEvents", "Adds stages and log lines of a build. Idempotent.");
        routes
            .MapPost(Routes.WorkSignature, SignAsync)
            .Accepts<Stream>("application/octet-stream")
            .Produces<Stream>(StatusCodes.Status200OK, "application/octet-stream")
            .RequireScope(TokenScopes.Work)
            .AllowUpload(LargestModule)
            .Describe("work", "signWork", "Returns the module with a kernel module signature appended.");
        routes
            .MapPost(Routes.WorkResult, EndAsync)
            .Produces(StatusCodes.Status204NoContent)
            .RequireScope(TokenScopes.Work)
            .AllowUpload(LargestResult)
            .Describe("work", "endWork", "Ends a build with its result. Idempotent.");
        routes
            .MapPost(Routes.WorkRelease, ReleaseAsync)
            .Produces(StatusCodes.Status204NoContent)
            .RequireScope(TokenScopes.Work)
            .Describe("work", "releaseWork", "Returns a build to the queue for another worker.");
    }

    private static Task<IReadOnlyList<WorkerView>> ListAsync(WorkerTable workers, CancellationToken cancellation) =>
        workers.ListAsync(shown, cancellation);

    private static async Task<IResult> AcceptReportAsync(
        [Description("The worker's ID: 32 hexadecimal digits, chosen at each start.")] string worker,
        WorkerReport report,
        RemoteBuilds work,
        CancellationToken cancellation
    )
    {
        if (CheckReport(worker, report) is { } reason)
        {
            return ProblemResponses.Create(ServerProblems.RequestMalformed, reason);
        }

        return Answer(await work.AcceptReportAsync(worker, report, cancellation), TypedResults.Ok);
    }

    private static async Task<IResult> BeginAsync(
        [Description("The build's ID.")] string build,
        WorkBegin begin,
        RemoteBuilds work,
        CancellationToken cancellation
    ) =>
        WorkerId.IsValid(begin.Worker)
            ? Answer(await work.BeginAsync(build, begin.Worker, cancellation), TypedResults.Ok)
            : ProblemResponses.Create(ServerProblems.RequestMalformed, "the worker's ID is not valid");

    private static async Task<IResult> GetInputAsync(
        [Description("The build's ID.")] string build,
        [Description("SHA-256 of the input, hexadecimal.")] string digest,
        [Description("The worker's ID.")] string worker,
        [Description("The attempt.")] int attempt,
        RemoteBuilds work,
        CancellationToken cancellation
    ) =>
        Answer(
            await work.GetInputAsync(new(build, worker, attempt), digest, cancellation),
            path => TypedResults.PhysicalFile(path, "application/octet-stream", enableRangeProcessing: true)
        );

    private static IResult GetToolchain(
        [Description("Digest of the root, hexadecimal.")] string digest,
        ToolchainsForWorkers toolchains,
        CancellationToken cancellation
    ) =>
        Answer(
            toolchains.Open(digest),
            root => TypedResults.Stream(to => RootTransfer.WriteAsync(root, to, cancellation), "application/gzip")
        );

    private static async Task<IResult> AddEventsAsync(
        [Description("The build's ID.")] string build,
        [Description("The worker's ID.")] string worker,
        [Description("The attempt.")] int attempt,
        [Description(
            "How many events of this attempt were sent before these. Events that are already stored are not added again."
        )]
            int told,
        IReadOnlyList<BuildEvent> events,
        RemoteBuilds work,
        CancellationToken cancellation
    ) =>
        told >= 0 && events.Count <= MostListed && events.All(e => e is { Stage: not null, Detail: not null })
            ? Done(await work.AddEventsAsync(new(build, worker, attempt), told, events, cancellation))
            : ProblemResponses.Create(ServerProblems.RequestMalformed, $"at most {MostListed} whole events are taken at once");

    private static async Task<IResult> SignAsync(
        HttpContext context,
        [Description("The build's ID.")] string build,
        [Description("The worker's ID.")] string worker,
        [Description("The attempt.")] int attempt,
        [Description("sha256, sha384 or sha512: CONFIG_MODULE_SIG_HASH.")] string hash,
        RemoteBuilds work,
        CancellationToken cancellation
    )
    {
        // The size is limited by the endpoint.
        using var module = new MemoryStream();
        await context.Request.Body.CopyToAsync(module, cancellation);
        return Answer(
            await work.SignAsync(new(build, worker, attempt), module.ToArray(), hash, cancellation),
            signed => TypedResults.Bytes(signed, "application/octet-stream")
        );
    }

    private static async Task<IResult> EndAsync(
        [Description("The build's ID.")] string build,
        [Description("The worker's ID.")] string worker,
        [Description("The attempt.")] int attempt,
        WorkResult result,
        RemoteBuilds work,
        CancellationToken cancellation
    ) => Done(await work.AcceptResultAsync(new(build, worker, attempt), result, cancellation));

    private static async Task<IResult> ReleaseAsync(
        [Description("The build's ID.")] string build,
        [Description("The worker's ID.")] string worker,
        [Description("The attempt.")] int attempt,
        RemoteBuilds work,
        CancellationToken cancellation
    ) => Done(await work.ReleaseAsync(new(build, worker, attempt), cancellation));

    private static IResult Answer<T>(Outcome<T> outcome, Func<T, IResult> show) =>
        outcome.TryGet(out var value) ? show(value) : ProblemResponses.Create(outcome.Problems);

    private static IResult Done(Problem? problem) =>
        problem is null ? TypedResults.NoContent() : ProblemResponses.Create([problem]);

    private static string? CheckReport(string worker, WorkerReport report)
    {
        if (!WorkerId.IsValid(worker))
        {
            return "the worker's ID is not valid";
        }

        if (report.Name is not { Length: > 0 and <= 100 } name || name.Any(char.IsControl))
        {
            return "the worker's name is not valid";
        }

        if (report.Builders is < 1 or > 256)
        {
            return "a worker runs 1 to 256 builds";
        }

        if (report.Capabilities.Count > MostListed || !report.Capabilities.All(c => c is not null && Capability.IsValid(c)))
        {
            return "its capabilities are none";
        }

        if (report.Kernels.Count > MostListed || !report.Kernels.All(k => ContentDigest.IsHex(k)))
        {
            return "its kernels are none";
        }

        return report.Running.Count <= 256 && report.Running.All(r => ContentDigest.IsHex(r?.Build))
            ? null
            : "what it runs is not valid";
    }
}
