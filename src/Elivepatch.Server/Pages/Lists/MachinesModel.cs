using Elivepatch.Model;
using Elivepatch.Server.Checks;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Pages;

/// <summary>A page of the list of machines.</summary>
/// <param name="Machines">The machines.</param>
/// <param name="Text">What was searched for; empty for nothing.</param>
/// <param name="After">The last machine of the page before, or null on the first page.</param>
/// <param name="Next">The last machine of this page where there are more, or null.</param>
/// <param name="Withdrawn">The first machines that report a withdrawn livepatch; on the first page without a search.</param>
public sealed record MachinesModel(
    IReadOnlyList<StoredMachine> Machines,
    string Text,
    string? After,
    string? Next,
    IReadOnlyList<WithdrawnMachine> Withdrawn
)
{
    private const int PageSize = 100;

    // Machines report every few minutes; one that misses many is down or lost its way.
    private static readonly TimeSpan longestSilence = TimeSpan.FromHours(1);

    /// <summary>True where a machine should have reported by now.</summary>
    internal static bool IsSilent(StoredMachine machine, DateTimeOffset now) => now - machine.LastSeen > longestSilence;

    /// <summary>Reads and shows it.</summary>
    internal static async Task<IResult> ShowAsync(
        string? q,
        string? after,
        MachineTable machines,
        WithdrawalTable withdrawals,
        CancellationToken cancellation
    )
    {
        var text = (q ?? "").Trim();
        if (SearchText.FindProblem(text) is { } why)
        {
            return PageProblems.PageFor(new Problem(ServerProblems.RequestMalformed, why));
        }

        if (after is not null && await machines.FindAsync(after, cancellation) is null)
        {
            return PageProblems.PageFor(MachineModel.Unknown());
        }

        var found = await machines.ListAsync(text.Length == 0 ? null : text, after, PageSize + 1, cancellation);
        return new PageResult<MachinesPage, MachinesModel>(
            new(
                [.. found.Take(PageSize)],
                text,
                after,
                found.Count > PageSize ? found[PageSize - 1].Id : null,
                text.Length == 0 && after is null ? await WithdrawnMachine.ListAsync(machines, withdrawals, cancellation) : []
            )
        );
    }
}

/// <summary>One machine.</summary>
/// <param name="Machine">What it said last.</param>
/// <param name="Kernel">The id of its kernel, where the server knows it.</param>
/// <param name="Withdrawn">What it reports and has been withdrawn.</param>
public sealed record MachineModel(StoredMachine Machine, string? Kernel, IReadOnlyList<WithdrawnMachine> Withdrawn)
{
    /// <summary>Reads and shows it.</summary>
    internal static async Task<IResult> ShowAsync(
        string machine,
        MachineTable machines,
        WithdrawalTable withdrawals,
        KernelTable kernels,
        CancellationToken cancellation
    )
    {
        if (await machines.FindAsync(machine, cancellation) is not { } found)
        {
            return PageProblems.PageFor(Unknown());
        }

        return new PageResult<OneMachine, MachineModel>(
            new(
                found,
                await kernels.FindByBuildIdAsync(found.Report.BuildId, cancellation),
                [
                    .. WithdrawnOnMachines
                        .Find(found.Report, await withdrawals.ListForKernelAsync(found.Report.BuildId, cancellation))
                        .Select(w => new WithdrawnMachine(found, w.Withdrawal.Module, w.Withdrawal.Build, w.IsCertain)),
                ]
            )
        );
    }

    /// <summary>What is said of a machine that is not known.</summary>
    internal static Problem Unknown() => new(ServerProblems.MachineUnknown, "no machine of this id reports here");
}
