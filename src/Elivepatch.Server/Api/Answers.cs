// In: problems of whatever stage. Out: an answer as RFC 9457 has it, with the HTTP status that fits the first problem.

using Elivepatch.Engine;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Pages;

namespace Elivepatch.Server.Api;

/// <summary>Answers that say why a request was not done.</summary>
internal static class Answers
{
    private static readonly Dictionary<ProblemCode, int> statuses = new()
    {
        [ProblemCodes.TokenRefused] = StatusCodes.Status401Unauthorized,
        [ProblemCodes.ScopeMissing] = StatusCodes.Status403Forbidden,
        [ProblemCodes.PartForbidden] = StatusCodes.Status403Forbidden,
        [ProblemCodes.TooManyMachines] = StatusCodes.Status403Forbidden,
        [ProblemCodes.BuildPatchForbidden] = StatusCodes.Status403Forbidden,
        [ProblemCodes.KernelUnknown] = StatusCodes.Status404NotFound,
        [ProblemCodes.BuildUnknown] = StatusCodes.Status404NotFound,
        [ProblemCodes.ResultMissing] = StatusCodes.Status404NotFound,
        [ProblemCodes.MachineUnknown] = StatusCodes.Status404NotFound,
        [ProblemCodes.FormRefused] = StatusCodes.Status403Forbidden,
        [ProblemCodes.TokenUnknown] = StatusCodes.Status404NotFound,
        [ProblemCodes.RequestTooSlow] = StatusCodes.Status408RequestTimeout,
        [ProblemCodes.KernelIncomplete] = StatusCodes.Status409Conflict,
        [ProblemCodes.KernelInUse] = StatusCodes.Status409Conflict,
        [ProblemCodes.WorkerOfOtherVersion] = StatusCodes.Status409Conflict,
        [ProblemCodes.BuildHeld] = StatusCodes.Status409Conflict,
        [ProblemCodes.BuildLost] = StatusCodes.Status409Conflict,
        [ProblemCodes.LivepatchWithdrawn] = StatusCodes.Status410Gone,
        [ProblemCodes.LivepatchUnchecked] = StatusCodes.Status409Conflict,
        [ProblemCodes.BuildOver] = StatusCodes.Status410Gone,
        [ProblemCodes.WorkResultMalformed] = StatusCodes.Status422UnprocessableEntity,
        [ProblemCodes.NobodyBuilds] = StatusCodes.Status503ServiceUnavailable,
        [ProblemCodes.RequestTooLarge] = StatusCodes.Status413PayloadTooLarge,
        [ProblemCodes.TooManyRequests] = StatusCodes.Status429TooManyRequests,
        [ProblemCodes.DatabaseUnreachable] = StatusCodes.Status503ServiceUnavailable,
        [ProblemCodes.KeysDiffer] = StatusCodes.Status503ServiceUnavailable,
        [ProblemCodes.StateUnusable] = StatusCodes.Status503ServiceUnavailable,
        // What is a fault of the environment where a machine's own files are read is one of the request where a client sends
        // them.
        [ProblemCodes.MalformedKallsyms] = StatusCodes.Status422UnprocessableEntity,
        [ProblemCodes.HiddenAddresses] = StatusCodes.Status422UnprocessableEntity,
        [ProblemCodes.MalformedSymvers] = StatusCodes.Status422UnprocessableEntity,
        [ProblemCodes.CompilerMissing] = StatusCodes.Status422UnprocessableEntity,
    };

    /// <summary>The status of an answer that tells of this problem.</summary>
    public static int StatusOf(ProblemCode code) => statuses.TryGetValue(code, out var status) ? status : code.Kind switch
    {
        ProblemKind.Usage => StatusCodes.Status400BadRequest,
        ProblemKind.Environment => StatusCodes.Status500InternalServerError,
        _ => StatusCodes.Status422UnprocessableEntity,
    };

    /// <summary>Problems as they travel.</summary>
    /// <param name="problems">The problems, the weightiest first.</param>
    /// <param name="status">The status where the problem's own does not fit.</param>
    public static ProblemDetails Details(IReadOnlyList<Problem> problems, int? status = null) => new()
    {
        Type = $"urn:elivepatch:problem:{problems[0].Code.Id}",
        Title = problems[0].Code.Title,
        Status = status ?? StatusOf(problems[0].Code),
        Detail = problems[0].Reason,
        Problems = ProblemReport.Of(problems),
    };

    /// <summary>A result that tells of problems.</summary>
    public static IResult Refuse(IReadOnlyList<Problem> problems) => Result(Details(problems));

    /// <summary>A result that tells of one problem.</summary>
    public static IResult Refuse(ProblemCode code, string reason, string? remedy = null) => Refuse([new(code, reason, remedy)]);

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
            (PageProblems.Answer(httpContext, details)
                ?? TypedResults.Json(details, ProtocolJson.Default.ProblemDetails, ProblemDetails.MediaType, details.Status))
            .ExecuteAsync(httpContext);
    }
}
