using Elivepatch.Engine;

namespace Elivepatch.Protocol;

/// <summary>A problem as scripts and other machines read it.</summary>
/// <param name="Code">The stable number, <c>ELP0403</c>.</param>
/// <param name="Title">The kind of failure in a few words.</param>
/// <param name="Reason">What was found in this case.</param>
/// <param name="Remedy">What to do.</param>
public sealed record ProblemReport(string Code, string Title, string Reason, string Remedy)
{
    /// <summary>The problems as others read them.</summary>
    public static IReadOnlyList<ProblemReport> Of(IEnumerable<Problem> problems) =>
        [.. problems.Select(p => new ProblemReport(p.Code.Id, p.Code.Title, p.Reason, p.Remedy))];

    /// <summary>
    /// The problem that another machine reported. A number that this version does not know keeps its text and counts as a failure
    /// of the environment.
    /// </summary>
    public Problem ToProblem() => new(
        ProblemCodes.All.FirstOrDefault(c => c.Id == Code) ?? ProblemCodes.ServerProblemUnknown with { Title = $"{Code} {Title}" },
        Reason, Remedy);
}
