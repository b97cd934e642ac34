// In: problems of whatever stage. Out: an answer as RFC 9457 has it, with the HTTP status that fits the first problem.

using Elivepatch.Builder;
using Elivepatch.Engine;
using Elivepatch.Kernel;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.Http;

/// <summary>Answers that say why a request was not done.</summary>
internal static class ProblemResponses
{
    private static readonly Dictionary<ProblemCode, int> statuses = new()
    {
        [ServiceProblems.TokenRefused] = StatusCodes.Status401Unauthorized,
        [ServiceProblems.ScopeMissing] = StatusCodes.Status403Forbidden,
        [ServiceProblems.PartForbidden] = StatusCodes.Status403Forbidden,
        [ServerProblems.TooManyMachines] = StatusCodes.Status403Forbidden,
        [ServerProblems.BuildPatchForbidden] = StatusCodes.Status403Forbidden,
        [RecordProblems.KernelUnknown] = StatusCodes.Status404NotFound,
        [ToolchainProblems.RootUnknown] = StatusCodes.Status404NotFound,
        [ServerProblems.BuildUnknown] = StatusCodes.Status404NotFound,
        [ServerProblems.ResultMissing] = StatusCodes.Status404NotFound,
        [ServerProblems.MachineUnknown] = StatusCodes.Status404NotFound,
        [ServerProblems.FormRefused] = StatusCodes.Status403Forbidden,
        [ServerProblems.TokenUnknown] = StatusCodes.Status404NotFound,
        [ServerProblems.RequestTooSlow] = StatusCodes.Status408RequestTimeout,
        [ServiceProblems.KernelIncomplete] = StatusCodes.Status409Conflict,
        [ServerProblems.KernelInUse] = StatusCodes.Status409Conflict,
        [WorkProblems.WorkerOfOtherVersion] = StatusCodes.Status409Conflict,
        [WorkProblems.BuildHeld] = StatusCodes.Status409Conflict,
        [WorkProblems.BuildLost] = StatusCodes.Status409Conflict,
        [ServiceProblems.LivepatchWithdrawn] = StatusCodes.Status410Gone,
        [ServerProblems.LivepatchUnchecked] = StatusCodes.Status409Conflict,
        [WorkProblems.BuildOver] = StatusCodes.Status410Gone,
        [WorkProblems.WorkResultMalformed] = StatusCodes.Status422UnprocessableEntity,
        [WorkProblems.NobodyBuilds] = StatusCodes.Status503ServiceUnavailable,
        [ServiceProblems.RequestTooLarge] = StatusCodes.Status413PayloadTooLarge,
        [ServiceProblems.TooManyRequests] = StatusCodes.Status429TooManyRequests,
        [DatabaseProblems.DatabaseUnreachable] = StatusCodes.Status503ServiceUnavailable,
        [DatabaseProblems.KeysDiffer] = StatusCodes.Status503ServiceUnavailable,
        [BuilderProblems.StateUnusable] = StatusCodes.Status503ServiceUnavailable,
        // What is a fault of the environment where a machine's own files are read is one of the request where a client sends
        // them.
        [FactProblems.MalformedKallsyms] = StatusCodes.Status422UnprocessableEntity,
        [KernelProblems.HiddenAddresses] = StatusCodes.Status422UnprocessableEntity,
        [FactProblems.MalformedSymvers] = StatusCodes.Status422UnprocessableEntity,
        [CompileProblems.CompilerMissing] = StatusCodes.Status422UnprocessableEntity,
    };

    /// <summary>The status of an answer that tells of this problem.</summary>
    public static int StatusOf(ProblemCode code) =>
        statuses.TryGetValue(code, out var status)
            ? status
            : code.Kind switch
            {
                ProblemKind.Usage => StatusCodes.Status400BadRequest,
                ProblemKind.Environment => StatusCodes.Status500InternalServerError,
                _ => StatusCodes.Status422UnprocessableEntity,
            };

    /// <summary>Problems as they travel.</summary>
    /// <param name="problems">The problems, the weightiest first.</param>
    /// <param name="status">The status where the problem's own does not fit.</param>
    public static ProblemDetails Details(IReadOnlyList<Problem> problems, int? status = null) =>
        new()
        {
            Type = $"urn:elivepatch:problem:{problems[0].Code.Id}",
            Title = problems[0].Code.Title,
            Status = status ?? StatusOf(problems[0].Code),
            Detail = problems[0].Reason,
            Problems = ProblemReport.Of(problems),
        };

    /// <summary>A result that tells of problems.</summary>
    public static IResult Create(IReadOnlyList<Problem> problems) => Result(Details(problems));

    /// <summary>A result that tells of one problem.</summary>
    public static IResult Create(ProblemCode code, string reason, string? remedy = null) => Create([new(code, reason, remedy)]);

    /// <summary>Writes an answer that tells of one problem, where none has begun.</summary>
    public static Task WriteAsync(HttpContext context, Problem problem, int? status = null) =>
        WriteAsync(context, Details([problem], status));

    /// <summary>Writes an answer that tells of a failure, where none has begun.</summary>
    public static Task WriteAsync(HttpContext context, ProblemDetails details) =>
        context.Response.HasStarted ? Task.CompletedTask : Result(details).ExecuteAsync(context);

    private static ProblemResult Result(ProblemDetails details) => new(details);

    // People get a page, machines JSON.
    private sealed class ProblemResult(ProblemDetails details) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) =>
            (
                httpContext.GetEndpoint()?.Metadata.GetMetadata<IProblemResponse>()?.ResultFor(details)
                ?? TypedResults.Json(details, ProtocolJson.Default.ProblemDetails, ProblemDetails.MediaType, details.Status)
            ).ExecuteAsync(httpContext);
    }
}
