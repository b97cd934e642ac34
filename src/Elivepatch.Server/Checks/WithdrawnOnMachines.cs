// In: what machines say is loaded, and what has been withdrawn. Out: which of the one is the other. A machine that says which
// file it loaded is told for sure; one of an older version names its livepatch alone, and one that was built anew may have that
// name too.

using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Checks;

/// <summary>A withdrawn livepatch that a machine reports.</summary>
/// <param name="Livepatch">What the machine says of it.</param>
/// <param name="Withdrawal">What it is.</param>
/// <param name="IsCertain">True where the machine says which module it loaded; false where the names alone agree.</param>
internal sealed record WithdrawnOnMachine(ReportedLivepatch Livepatch, StoredWithdrawal Withdrawal, bool IsCertain);

/// <summary>Finds withdrawn livepatches in reports.</summary>
internal static class WithdrawnOnMachines
{
    /// <summary>The withdrawn ones of a report.</summary>
    /// <param name="report">The report.</param>
    /// <param name="withdrawals">What has been withdrawn; of other kernels too, which does no harm.</param>
    public static IReadOnlyList<WithdrawnOnMachine> Find(MachineReport report, IReadOnlyList<StoredWithdrawal> withdrawals) =>
        [
            .. from livepatch in report.Livepatches
            where livepatch.State != LivepatchStates.Loaded
            let withdrawal = withdrawals.FirstOrDefault(w => w.BuildId == report.BuildId && Matches(livepatch, w))
            where withdrawal is not null
            select new WithdrawnOnMachine(livepatch, withdrawal, livepatch.Sha256 is not null),
        ];

    private static bool Matches(ReportedLivepatch livepatch, StoredWithdrawal withdrawal) =>
        livepatch.Sha256 is { } digest
            ? digest == withdrawal.Artifact
            : livepatch.IsOurs
                && livepatch.Name == withdrawal.Module
                && livepatch
                    .Patches.Select(p => p.Sha256)
                    .SequenceEqual(withdrawal.Patches.Take(MachineReport.MostNames).Select(p => p.Sha256));
}
