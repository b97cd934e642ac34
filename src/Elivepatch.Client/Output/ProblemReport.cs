using Elivepatch.Engine;

namespace Elivepatch.Client.Output;

/// <summary>A problem as scripts read it.</summary>
/// <param name="Code">The stable number, <c>ELP0403</c>.</param>
/// <param name="Title">The kind of failure in a few words.</param>
/// <param name="Reason">What was found in this case.</param>
/// <param name="Remedy">What to do.</param>
internal sealed record ProblemReport(string Code, string Title, string Reason, string Remedy)
{
    /// <summary>The problems as scripts read them.</summary>
    public static IReadOnlyList<ProblemReport> Of(IEnumerable<Problem> problems) =>
        [.. problems.Select(p => new ProblemReport(p.Code.Id, p.Code.Title, p.Reason, p.Remedy))];
}
