// In: a build whose module or manifest somebody wants. Out: why it is not given out, or null. The database is asked each time:
// no server gives out what another has just withdrawn. What nobody has checked by the rules of today is checked now.

using System.Collections.Concurrent;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Checks;

/// <summary>Decides whether what a build made is given out.</summary>
internal sealed class PublishedModules(BuildTable builds, ArtifactAudit audit, TimeProvider clock)
{
    private const int MostRemembered = 10_000;

    // A check takes a second of a processor: whoever asks again and again for what cannot be checked does not have it done each
    // time.
    private static readonly TimeSpan pause = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, long> tried = new(StringComparer.Ordinal);

    /// <summary>Why the module that a build made is not given out; null where it is, and where the build has made none.</summary>
    /// <param name="build">The build as it was when somebody asked for it; it may be another since.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Problem?> CheckAsync(StoredBuild build, CancellationToken cancellation)
    {
        if (build.End?.Artifact is not { } artifact)
        {
            return null;
        }

        if (await builds.GetStandingAsync(build.Id, cancellation) is not { } standing)
        {
            return BuildViews.Unknown(build.Id);
        }

        if (standing.State == BuildState.Withdrawn)
        {
            return Withdrawn((await builds.FindAsync(build.Id, cancellation))?.End?.Problems ?? []);
        }

        if (standing.State != BuildState.Succeeded || standing.Artifact != artifact)
        {
            return new(ServerProblems.ResultMissing, $"it is being rebuilt, and is {BuildViews.Word(standing.State)}");
        }

        if (standing is { Checked: >= ModuleRules.Version, Unchecked: null })
        {
            return null;
        }

        if (standing is { Checked: >= ModuleRules.Version, Unchecked: { } known } && !MayTry(build.Id))
        {
            return new(ServerProblems.LivepatchUnchecked, known);
        }

        var verdict = await audit.SettleAsync(build, cancellation);
        return verdict.Problems.Count > 0 ? Withdrawn(ProblemReport.Of(verdict.Problems))
            : verdict.UnknownReason is { } whyNot ? new(ServerProblems.LivepatchUnchecked, whyNot)
            : null;
    }

    private static Problem Withdrawn(IReadOnlyList<ProblemReport> problems) =>
        new(ServiceProblems.LivepatchWithdrawn, string.Join("; ", problems.Select(p => $"{p.Code} {p.Title}: {p.Reason}")));

    private bool MayTry(string build)
    {
        if (tried.TryGetValue(build, out var last) && clock.GetElapsedTime(last) < pause)
        {
            return false;
        }

        if (tried.Count >= MostRemembered)
        {
            tried.Clear();
        }

        tried[build] = clock.GetTimestamp();
        return true;
    }
}
