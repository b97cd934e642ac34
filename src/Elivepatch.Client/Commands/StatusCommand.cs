using System.CommandLine;
using Elivepatch.Client.Output;
using Elivepatch.Machine;
using Elivepatch.Machine.Service;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch status</c>.</summary>
internal static class StatusCommand
{
    private static readonly ReportRequest nothingToReport = new(null, null, null, AllowsHttp: false);

    /// <summary>The verb.</summary>
    public static Verb Create(MachineSession session)
    {
        var report = new Option<bool>("--report")
        {
            Description = "Report to a server as well, which shows it to the administrators of the machines.",
        };
        var server = new Option<string?>("--server")
        {
            Description = "With --report: the server. Default: the trusted one.",
            HelpName = "URL",
        };
        var machine = new Option<string?>("--machine")
        {
            Description = "With --report: this machine's name on the server. Default: its host name.",
            HelpName = "NAME",
        };
        var tokenFile = new Option<string?>("--token-file")
        {
            Description =
                "With --report: a file with the token. Default: $ELIVEPATCH_TOKEN, else the token kept by `elivepatch trust`.",
            HelpName = "FILE",
        };
        var allowHttp = new Option<bool>("--allow-http")
        {
            Description = "With --report: send the token even if the connection is not encrypted.",
        };
        var check = new Option<bool>("--check")
        {
            Description = "Report in one line, and in the exit status, whether all is well; for a monitoring system.",
        };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "status",
            "Shows what is live or in transition on this machine, and which tasks block a transition.",
            """
            Reads /sys/kernel/livepatch, and so shows livepatches of any origin. For those that this command made live it adds
            their source patches and whether they are loaded again at boot.

            A transition is complete when no task uses an old function any more. While one is in progress, the tasks that have not
            switched yet are listed with their kernel stacks: a task switches when it returns to user space, or when no patched
            function is on its stack. `elivepatch disable NAME` reverses a transition.

            A server may withdraw a livepatch that it built, because it breaks a rule that was added later. The machine learns of
            that when it reports, and when `elivepatch patch` asks. The withdrawal is stored, so that it is shown here without
            contacting a server, with its remedy.

            Stacks, and which livepatches this command loaded, are shown only to root.

            With --report, kernel, livepatches, and the names of blocking tasks go to a server as well; stacks do not. This needs
            a token with the scope report. docs/machine.md has a systemd timer for it.

            --check is a plugin for Nagios and compatible systems: one line on stdout, and exit status 0 (OK), 1 (WARNING), 2
            (CRITICAL) or 3 (UNKNOWN). Critical are a livepatch that is wanted and not live, one that is live and withdrawn, a
            list that cannot be read, and a transition that is known to last longer than five minutes. Warnings are any other
            transition, and loading at boot that is suspended or lacks its unit. It contacts no server: withdrawals are learned by
            `status --report`. Run it as root.
            """,
            new Example("elivepatch status", "Show what is live."),
            new Example(
                "elivepatch status --json | jq -r '.livepatches[] | select(.state == \"live\").name'",
                "Print the names of the live ones for a script."
            ),
            new Example("elivepatch status --check", "Print OK or what is wrong, for a monitoring system."),
            new Example("elivepatch status --report", "Report the status of this machine to the trusted server.")
        )
        {
            report,
            check,
            server,
            machine,
            tokenFile,
            allowHttp,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
            {
                var request = new ReportRequest(
                    parsed.GetValue(server),
                    parsed.GetValue(machine),
                    parsed.GetValue(tokenFile),
                    parsed.GetValue(allowHttp)
                );
                return parsed.GetValue(check)
                    ? Task.FromResult(Check(session, parsed.GetValue(report), request, parsed.GetValue(json)))
                    : RunAsync(session, parsed.GetValue(report), request, parsed.GetValue(json), cancellation);
            }
        );
        return verb;
    }

    private static int Check(MachineSession session, bool reports, ReportRequest request, bool asJson)
    {
        // Status 2 would say that the machine is in a critical state.
        var check =
            reports || request != nothingToReport
                ? StatusCheck.Unknown([
                    new(CommandProblems.UsageInvalid, "--check asks no server: run `elivepatch status --report` separately"),
                ])
                : StatusCheck.Run(session.Machine, MachineState.Of(session.Machine), BootService.Of(session.Machine));
        if (asJson)
        {
            Answer.WriteJson(session, check, ClientJson.Default.CheckReport);
        }
        else
        {
            session.Output.WriteLine(Printable.Escape(check.Summary));
        }

        return (int)check.State;
    }

    private static async Task<int> RunAsync(
        MachineSession session,
        bool reports,
        ReportRequest request,
        bool asJson,
        CancellationToken cancellation
    )
    {
        if (!reports && request != nothingToReport)
        {
            return Answer.Fail(
                session,
                [new(CommandProblems.UsageInvalid, "a server is named without --report", "Add --report.")],
                asJson,
                cancellation
            );
        }

        var state = MachineState.Of(session.Machine);
        var read = MachineStatus.Read(session.Machine, state);
        if (!read.TryGet(out var status))
        {
            return Answer.Fail(session, read.Problems, asJson, cancellation);
        }

        var reported = reports ? await MachineReporter.RunAsync(session.Machine, state, request, status, cancellation) : null;
        if (reported is { Succeeded: false })
        {
            return Answer.Fail(session, reported.Problems, asJson, cancellation);
        }

        if (reported is { Value: { } answered })
        {
            // What the server has withdrawn is known only now.
            var again = MachineStatus.Read(session.Machine, state);
            status = again.Succeeded ? again.Value : status;
            status = status with { Problems = [.. status.Problems, .. ProblemReport.Of(answered.Problems)] };
        }

        if (asJson)
        {
            Answer.WriteJson(session, status, ClientJson.Default.StatusReport);
        }
        else
        {
            StatusText.Write(session.Output, status);
        }

        if (!asJson && reported is { Value: { } told })
        {
            session.Output.WriteLine($"reported to {told.Server} as {Printable.Escape(told.Name)}");
        }

        return ExitStatus.Done;
    }
}
