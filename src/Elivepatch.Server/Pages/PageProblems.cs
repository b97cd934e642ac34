using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Http;

namespace Elivepatch.Server.Pages;

/// <summary>Problems as pages.</summary>
internal static class PageProblems
{
    /// <summary>The page that tells of a failure.</summary>
    public static IResult PageFor(ProblemDetails details) => new PageResult<ProblemPage, ProblemDetails>(details, details.Status);

    /// <summary>The page for a problem.</summary>
    public static IResult PageFor(Problem problem) => PageFor([problem]);

    /// <summary>The page that tells of problems.</summary>
    public static IResult PageFor(IReadOnlyList<Problem> problems) => PageFor(ProblemResponses.Details(problems));
}
