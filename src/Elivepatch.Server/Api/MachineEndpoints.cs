using System.ComponentModel;
using System.Text;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Checks;
using Elivepatch.Server.Http;
using Elivepatch.Server.Security;
using Elivepatch.Server.Signing;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Api;

/// <summary>Machines: what they say of themselves.</summary>
internal static class MachineEndpoints
{
    /// <summary>How many machines one token may speak for.</summary>
    public const int MostOfToken = 10_000;

    private const int UsualPage = 100;
    private const int LargestPage = 500;

    /// <summary>Adds the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes
            .MapPost(ApiRoutes.Machines, ReportAsync)
            .Produces<MachineView>()
            .RequireScope(TokenScopes.Report)
            .AuditRefusalsOnly()
            .Describe(
                "machines",
                "reportMachine",
                "Reports the status of a machine, replacing its earlier report. The answer lists its withdrawn livepatches."
            );
        routes
            .MapGet(ApiRoutes.Machines, ListAsync)
            .Produces<MachinePage>()
            .RequireScope(TokenScopes.Read)
            .Describe(
                "machines",
                "listMachines",
                "Lists the machines in the order of their names, all or those that match a text."
            );
    }

    /// <summary>A machine as others see it.</summary>
    public static MachineView View(StoredMachine machine) =>
        new(machine.Id, machine.Report, machine.Reporter, machine.FirstSeen, machine.LastSeen);

    /// <summary>Names a machine: no token can speak of the machine of another.</summary>
    public static string IdOf(string token, string name) => ContentDigest.Of(Encoding.UTF8.GetBytes($"{token}\n{name}")).Hex;

    private static async Task<IResult> ReportAsync(
        HttpContext context,
        MachineReport report,
        MachineTable machines,
        WithdrawalTable withdrawals,
        WithdrawalSigner signer,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        if (MachineReportRules.Check(report) is { } wrong)
        {
            return ProblemResponses.Create(ServerProblems.RequestMalformed, wrong);
        }

        var caller = Caller.Of(context.User)!;
        var now = clock.GetUtcNow();
        var kept = await machines.ReportAsync(
            new(IdOf(caller.Id, report.Name), caller.Id, caller.Name, report, now, now),
            MostOfToken,
            cancellation
        );
        if (kept is null)
        {
            return ProblemResponses.Create(
                ServerProblems.TooManyMachines,
                $"the token already reports for {MostOfToken} machines"
            );
        }

        AuditTrail.SetSubject(context, kept.Id);
        var withdrawn = WithdrawnOnMachines.Find(report, await withdrawals.ListForKernelAsync(report.BuildId, cancellation));
        // One that is known by its name alone may be another: nothing is signed that may be wrong.
        var notices = withdrawn.Where(w => w.IsCertain).Select(w => signer.Sign(w.Withdrawal)).ToList();
        return TypedResults.Ok(View(kept) with { Withdrawals = notices.Count > 0 ? notices : null });
    }

    private static async Task<IResult> ListAsync(
        MachineTable machines,
        [Description(
            "Only machines with this text, of up to 200 characters and ignoring case, in their name, release, build-id or "
                + "token's name, or in the name, state, functions or patches of one of their livepatches. A livepatch that is going "
                + "live or away also matches 'in transition', and 'stuck' if tasks block the transition."
        )]
            string? text,
        [Description("Only machines after the one with this ID: the `next` of the previous page.")] string? after,
        [Description("Page size, 1 to 500. Default: 100.")] int? limit,
        CancellationToken cancellation
    )
    {
        if (text is not null && SearchText.FindProblem(text) is { } why)
        {
            return ProblemResponses.Create(ServerProblems.RequestMalformed, why);
        }

        if (limit is < 1 or > LargestPage)
        {
            return ProblemResponses.Create(ServerProblems.RequestMalformed, $"limit is not 1 to {LargestPage}");
        }

        if (after is not null && await machines.FindAsync(after, cancellation) is null)
        {
            return ProblemResponses.Create(ServerProblems.RequestMalformed, "after names no machine");
        }

        var count = limit ?? UsualPage;
        var wanted = text?.Trim() is { Length: > 0 } some ? some : null;
        var found = await machines.ListAsync(wanted, after, count + 1, cancellation);
        return TypedResults.Ok(
            new MachinePage([.. found.Take(count).Select(View)], found.Count > count ? found[count - 1].Id : null)
        );
    }
}
