// In: builds that published modules under whatever rules. Out: each is noted as checked by the rules of today, withdrawn, or
// noted as one that cannot be checked. Every build is settled by itself in one transaction: whoever is killed half way leaves
// the others to be done, and of two who check one build at once both find the same and one writes it.

using Elivepatch.Engine.SelfCheck;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Checks;

/// <summary>Settles which published modules may still be given out.</summary>
internal sealed partial class ArtifactAudit(
    ArtifactCheck check,
    BuildTable builds,
    KernelTable kernels,
    AuditTable trail,
    ILogger<ArtifactAudit> log
) : IDisposable
{
    // A check reads a kernel's symbols, tens of megabytes: one at a time, whoever asks.
    private readonly SemaphoreSlim checking = new(1);

    /// <summary>Checks a build's module and settles it, unless somebody has done so since it was looked up.</summary>
    /// <param name="build">The build.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<ArtifactVerdict> SettleAsync(StoredBuild build, CancellationToken cancellation)
    {
        await checking.WaitAsync(cancellation);
        ArtifactVerdict verdict;
        try
        {
            if (await builds.FindAsync(build.Id, cancellation) is { } now && Known(now, build) is { } known)
            {
                return known;
            }

            verdict = await Task.Run(() => check.RunAsync(build, cancellation), cancellation);
            await NoteAsync(build, verdict, cancellation);
        }
        finally
        {
            checking.Release();
        }

        return verdict;
    }

    /// <summary>Checks a build's module and settles it, whatever is known of it.</summary>
    /// <param name="build">The build.</param>
    /// <param name="settles">False where nothing is written: somebody only wants to know.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<ArtifactVerdict> RunAsync(StoredBuild build, bool settles, CancellationToken cancellation)
    {
        await checking.WaitAsync(cancellation);
        ArtifactVerdict verdict;
        try
        {
            verdict = await Task.Run(() => check.RunAsync(build, cancellation), cancellation);
        }
        finally
        {
            checking.Release();
        }

        if (settles)
        {
            await NoteAsync(build, verdict, cancellation);
        }

        return verdict;
    }

    /// <inheritdoc/>
    public void Dispose() => checking.Dispose();

    // What many ask for at once is checked once. What could not be checked is tried again: a record may have come back.
    private static ArtifactVerdict? Known(StoredBuild now, StoredBuild then) =>
        now switch
        {
            { State: BuildState.Withdrawn, End.Problems: var problems } => ArtifactVerdict.Broken([
                .. problems.Select(p => p.ToProblem()),
            ]),
            { State: BuildState.Succeeded, Checked: >= ModuleRules.Version, Unchecked: null }
                when now.End?.Artifact == then.End?.Artifact => ArtifactVerdict.Kept,
            _ => null,
        };

    private async Task NoteAsync(StoredBuild build, ArtifactVerdict verdict, CancellationToken cancellation)
    {
        if (verdict.Problems.Count == 0)
        {
            if (
                await builds.RecordCheckAsync(build, ModuleRules.Version, verdict.UnknownReason, cancellation)
                && verdict.UnknownReason is { } whyNot
            )
            {
                LogUnchecked(build.Id, whyNot);
            }

            return;
        }

        var kernel = await kernels.FindAsync(build.Kernel, KernelTable.Operator, cancellation);
        var problems = ProblemReport.Of(verdict.Problems);
        if (!await builds.WithdrawAsync(build, kernel?.BuildId ?? "", ModuleRules.Version, problems, cancellation))
        {
            return;
        }

        LogWithdrawn(build.Id, verdict.Problems[0].ToString());
        await trail.AddAsync(new("", default, "", "elivepatchd", "", "withdraw", build.Id, 0), cancellation);
    }

    [LoggerMessage(LogLevel.Warning, "build {Id} is withdrawn: {Reason}")]
    private partial void LogWithdrawn(string id, string reason);

    [LoggerMessage(LogLevel.Warning, "build {Id} cannot be checked by the current rules and is not given out: {Reason}")]
    private partial void LogUnchecked(string id, string reason);
}
