using Elivepatch.Server.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Pages;

/// <summary>A machine that reports a withdrawn livepatch, as a page shows it.</summary>
/// <param name="Machine">The machine.</param>
/// <param name="Module">Name of the livepatch.</param>
/// <param name="Build">The build that made it.</param>
/// <param name="IsCertain">True where the machine says which file it loaded.</param>
public sealed record WithdrawnMachine(StoredMachine Machine, string Module, string Build, bool IsCertain)
{
    private const int Most = 100;
    private const int MostWithdrawals = 50;

    /// <summary>What people read of the livepatch's state.</summary>
    internal string Word => IsCertain ? "withdrawn" : "perhaps withdrawn";

    /// <summary>The first machines that report a withdrawn module.</summary>
    internal static async Task<IReadOnlyList<WithdrawnMachine>> FindAsync(
        MachineTable machines,
        StoredWithdrawal withdrawal,
        CancellationToken cancellation
    ) =>
        [
            .. (await WithdrawalEndpoints.MachinesAsync(machines, withdrawal, Most, cancellation)).Select(
                m => new WithdrawnMachine(m.Machine, withdrawal.Module, withdrawal.Build, m.Found.IsCertain)
            ),
        ];

    /// <summary>The first machines that report what has been withdrawn, the newest withdrawals first.</summary>
    internal static async Task<IReadOnlyList<WithdrawnMachine>> ListAsync(
        MachineTable machines,
        WithdrawalTable withdrawals,
        CancellationToken cancellation
    )
    {
        var found = new List<WithdrawnMachine>();
        foreach (var withdrawal in await withdrawals.ListAsync(null, MostWithdrawals, cancellation))
        {
            found.AddRange(await FindAsync(machines, withdrawal, cancellation));
            if (found.Count >= Most)
            {
                break;
            }
        }

        return found;
    }
}
