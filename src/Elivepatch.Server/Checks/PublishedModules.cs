// In: a build whose module or manifest somebody wants. Out: why it is not given out, or null. The database is asked each time: no server
// gives out what another has just withdrawn. What nobody has checked by the rules of today is checked now.

using Elivepatch.Engine;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Checks;

/// <summary>Decides whether what a build made is given out.</summary>
internal sealed class PublishedModules(BuildTable builds, ArtifactAudit audit)
{
    /// <summary>Why a build's module is not given out; null where it is, and where the build has none.</summary>
    public async Task<Problem?> RefuseAsync(StoredBuild build, CancellationToken cancellation)
    {
        var standing = await builds.StandingAsync(build.Id, cancellation);
        if (standing is { State: BuildState.Succeeded, Checked: >= ModuleRules.Version, Unchecked: null })
            return null;
        if (standing?.State is not (BuildState.Succeeded or BuildState.Withdrawn) || await builds.FindAsync(build.Id, cancellation) is not { } now)
            return null;
        if (now is { State: BuildState.Withdrawn, End.Problems: var reported })
            return Withdrawn(reported);
        if (now is not { State: BuildState.Succeeded, End.Artifact: not null })
            return null;
        var verdict = await audit.RunAsync(now, settles: true, cancellation);
        return verdict.Problems.Count > 0 ? Withdrawn(ProblemReport.Of(verdict.Problems))
            : verdict.WhyNot is { } whyNot ? new(ProblemCodes.LivepatchUnchecked, whyNot)
            : null;
    }

    private static Problem Withdrawn(IReadOnlyList<ProblemReport> problems) => new(
        ProblemCodes.LivepatchWithdrawn, string.Join("; ", problems.Select(p => $"{p.Code} {p.Title}: {p.Reason}")));
}
