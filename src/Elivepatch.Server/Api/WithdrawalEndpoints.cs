using System.ComponentModel;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Checks;
using Elivepatch.Server.Http;
using Elivepatch.Server.Security;
using Elivepatch.Server.Signing;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Api;

/// <summary>Withdrawn livepatches: for whoever looks after the machines, and for a machine that has one.</summary>
internal static class WithdrawalEndpoints
{
    private const int UsualPage = 20;
    private const int LargestPage = 50;
    private const int MostMachines = 500;

    /// <summary>Adds the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes
            .MapGet(ApiRoutes.Withdrawals, ListAsync)
            .Produces<WithdrawalPage>()
            .RequireScope(TokenScopes.Operate)
            .Describe(
                "withdrawals",
                "listWithdrawals",
                "Lists the livepatches that have been withdrawn, newest first, with the machines that report them."
            );
        routes
            .MapGet(Routes.Withdrawal, FindAsync)
            .Produces<WithdrawalAnswer>()
            .RequireScope(TokenScopes.Read)
            .Describe("withdrawals", "getWithdrawal", "Returns the signed notice for a withdrawn module, or none.");
    }

    /// <summary>The machines that report a withdrawn module, at most some.</summary>
    public static async Task<IReadOnlyList<(StoredMachine Machine, WithdrawnOnMachine Found)>> MachinesAsync(
        MachineTable machines,
        StoredWithdrawal withdrawal,
        int most,
        CancellationToken cancellation
    )
    {
        var found = new List<(StoredMachine, WithdrawnOnMachine)>();
        string? after = null;
        while (found.Count < most)
        {
            var page = await machines.ListWithModuleAsync(
                withdrawal.BuildId,
                withdrawal.Artifact,
                withdrawal.Module,
                after,
                most,
                cancellation
            );
            found.AddRange(page.SelectMany(m => WithdrawnOnMachines.Find(m.Report, [withdrawal]).Select(f => (m, f))));
            if (page.Count < most)
            {
                break;
            }

            after = page[^1].Id;
        }

        return found.Count > most ? found[..most] : found;
    }

    private static async Task<IResult> ListAsync(
        WithdrawalTable withdrawals,
        MachineTable machines,
        [Description("Only withdrawals older than this: the `next` of the previous page.")] long? before,
        [Description("Page size, 1 to 50. Default: 20.")] int? limit,
        CancellationToken cancellation
    )
    {
        if (limit is < 1 or > LargestPage)
        {
            return ProblemResponses.Create(ServerProblems.RequestMalformed, $"limit is not 1 to {LargestPage}");
        }

        var count = limit ?? UsualPage;
        var found = await withdrawals.ListAsync(before, count + 1, cancellation);
        var views = new List<WithdrawalView>();
        foreach (var withdrawal in found.Take(count))
        {
            views.Add(View(withdrawal, await MachinesAsync(machines, withdrawal, MostMachines + 1, cancellation)));
        }

        return TypedResults.Ok(new WithdrawalPage(views, found.Count > count ? found[count - 1].Number : null));
    }

    private static async Task<IResult> FindAsync(
        [Description("SHA-256 of the module, hexadecimal.")] string module,
        WithdrawalTable withdrawals,
        WithdrawalSigner signer,
        CancellationToken cancellation
    )
    {
        if (!ContentDigest.IsHex(module))
        {
            return ProblemResponses.Create(ServerProblems.RequestMalformed, "a module is named by its SHA-256");
        }

        var found = await withdrawals.FindAsync(module, cancellation);
        return TypedResults.Ok(new WithdrawalAnswer(found is null ? null : signer.Sign(found)));
    }

    private static WithdrawalView View(
        StoredWithdrawal withdrawal,
        IReadOnlyList<(StoredMachine Machine, WithdrawnOnMachine Found)> machines
    ) =>
        new()
        {
            Sha256 = withdrawal.Artifact,
            Module = withdrawal.Module,
            Build = withdrawal.Build,
            Release = withdrawal.Release,
            BuildId = withdrawal.BuildId,
            Patches = withdrawal.Patches,
            Withdrawn = withdrawal.Withdrawn,
            Problems = withdrawal.Problems,
            Machines =
            [
                .. machines
                    .Take(MostMachines)
                    .Select(m => new WithdrawnOn(
                        m.Machine.Id,
                        m.Machine.Report.Name,
                        m.Found.Livepatch.State,
                        m.Found.IsCertain,
                        m.Machine.Reporter,
                        m.Machine.LastSeen
                    )),
            ],
            HasMoreMachines = machines.Count > MostMachines,
        };
}
