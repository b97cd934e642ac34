using System.CommandLine;
using Elivepatch.Client.Machine;
using Elivepatch.Client.Output;
using Elivepatch.Client.Service;
using Elivepatch.Protocol;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch status</c>.</summary>
internal static class StatusCommand
{
    private static readonly ReportRequest nothingToReport = new(null, null, null, AllowsHttp: false);

    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var report = new Option<bool>("--report") { Description = "Tell a server as well, which shows it to whoever looks after the machines." };
        var server = new Option<string?>("--server") { Description = "With --report: the server; left out, the one that is trusted.", HelpName = "URL" };
        var machine = new Option<string?>("--machine") { Description = "With --report: this machine's name there; left out, its host name.", HelpName = "NAME" };
        var tokenFile = new Option<string?>("--token-file")
        {
            Description = "With --report: a file with the token; left out, $ELIVEPATCH_TOKEN, else the one that `elivepatch trust` keeps.",
            HelpName = "FILE",
        };
        var allowHttp = new Option<bool>("--allow-http") { Description = "With --report: send the token although the connection is not encrypted." };
        var check = new Option<bool>("--check")
        {
            Description = "Say in one line, and as the exit status, whether all is well: for a monitoring system.",
        };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "status", "What is live on this machine or in transition, and which tasks block it.",
            """
            Asks the kernel (/sys/kernel/livepatch), and so shows livepatches of any origin. For those that this command made live
            it adds their source patches and whether they are loaded again at boot.

            A transition ends when no task uses an old function any more. While one lasts, the tasks that are still to move over
            are listed with their kernel stacks: a task moves when it returns to user space, or when no patched function is on its
            stack. `elivepatch disable NAME` turns a transition around.

            A server may withdraw a livepatch that it built, because it breaks a rule that was found later. A machine hears of
            that when it reports, and when `elivepatch patch` asks; it is kept, so that it is shown here without a server too,
            with what to do.

            Stacks, and which livepatches are this command's, are shown to root only.

            With --report, kernel, livepatches, and the names of blocking tasks go to a server as well; stacks do not. It needs a
            token with the scope report. docs/machine.md has a systemd timer for it.

            --check is a plugin for Nagios and its like: one line on stdout, and exit status 0 (OK), 1 (WARNING), 2 (CRITICAL) or
            3 (UNKNOWN). Critical are a livepatch that is wanted and not live, one that is live and withdrawn, a list that cannot
            be read, and a transition that is known to last longer than five minutes; warnings are any other transition, and
            loading at boot that is suspended or has lost its unit. It asks no server: `status --report` brings news of
            withdrawals. Run it as root.
            """,
            new Example("elivepatch status", "Show what is live."),
            new Example(
                "elivepatch status --json | jq -r '.livepatches[] | select(.state == \"live\").name'",
                "Give the names of live ones to a script."),
            new Example("elivepatch status --check", "Say OK or what is wrong, for a monitoring system."),
            new Example("elivepatch status --report", "Tell the trusted server how this machine is."))
        {
            report, check, server, machine, tokenFile, allowHttp, json,
        };
        verb.SetAction((parsed, cancellation) =>
        {
            var request = new ReportRequest(
                parsed.GetValue(server), parsed.GetValue(machine), parsed.GetValue(tokenFile), parsed.GetValue(allowHttp));
            return parsed.GetValue(check)
                ? Task.FromResult(Check(session, parsed.GetValue(report), request, parsed.GetValue(json)))
                : RunAsync(session, parsed.GetValue(report), request, parsed.GetValue(json), cancellation);
        });
        return verb;
    }

    private static int Check(Session session, bool reports, ReportRequest request, bool asJson)
    {
        // Status 2 would say that the machine is in a critical state.
        var check = reports || request != nothingToReport
            ? StatusCheck.Unknown(
                [new(CommandProblems.UsageInvalid, "--check asks no server: run `elivepatch status --report` separately")])
            : StatusCheck.Run(session.Machine, MachineState.Of(session), BootUnit.Of(session));
        if (asJson)
            Answer.WriteJson(session, check, ClientJson.Default.CheckReport);
        else
            session.Output.WriteLine(Printable.Text(check.Summary));
        return (int)check.State;
    }

    private static async Task<int> RunAsync(
        Session session, bool reports, ReportRequest request, bool asJson, CancellationToken cancellation)
    {
        if (!reports && request != nothingToReport)
        {
            return Answer.Fail(
                session, [new(CommandProblems.UsageInvalid, "a server is named without --report", "Add --report.")], asJson,
                cancellation);
        }

        var state = MachineState.Of(session);
        var read = MachineStatus.Read(session.Machine, state);
        if (!read.TryGet(out var status))
            return Answer.Fail(session, read.Problems, asJson, cancellation);
        var reported = reports ? await MachineReporter.RunAsync(session, state, request, status, cancellation) : null;
        if (reported is { Succeeded: false })
            return Answer.Fail(session, reported.Problems, asJson, cancellation);
        if (reported is { Value: { } answered })
        {
            // What the server has withdrawn is known only now.
            var again = MachineStatus.Read(session.Machine, state);
            status = again.Succeeded ? again.Value : status;
            status = status with { Problems = [.. status.Problems, .. ProblemReport.Of(answered.Problems)] };
        }

        if (asJson)
            Answer.WriteJson(session, status, ClientJson.Default.StatusReport);
        else
            StatusText.Write(session.Output, status);
        if (!asJson && reported is { Value: { } told })
            session.Output.WriteLine($"reported to {told.Server} as {Printable.Text(told.Name)}");
        return ExitStatus.Done;
    }
}
