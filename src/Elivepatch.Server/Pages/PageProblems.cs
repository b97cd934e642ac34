using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Api;

namespace Elivepatch.Server.Pages;

/// <summary>What is wrong, for people.</summary>
internal static class PageProblems
{
    /// <summary>The page that tells of a failure; null where the request is not for a page.</summary>
    public static IResult? Answer(HttpContext context, ProblemDetails details) =>
        PageRoute.IsPage(context) ? new PageResult<ProblemPage, ProblemDetails>(details, details.Status) : null;

    /// <summary>The page that tells of a problem.</summary>
    public static IResult Refuse(Problem problem) => Refuse([problem]);

    /// <summary>The page that tells of problems.</summary>
    public static IResult Refuse(IReadOnlyList<Problem> problems)
    {
        var details = Answers.Details(problems);
        return new PageResult<ProblemPage, ProblemDetails>(details, details.Status);
    }
}
