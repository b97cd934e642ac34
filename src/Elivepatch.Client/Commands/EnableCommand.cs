using System.CommandLine;
using Elivepatch.Client.Output;
using Elivepatch.Machine;
using Elivepatch.Terminal;
using Elivepatch.Terminal.Progress;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch enable</c>.</summary>
internal static class EnableCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(MachineSession session)
    {
        var name = new Argument<string>("NAME")
        {
            Description = "The livepatch, by its name in `elivepatch status`; of any origin.",
        };
        var limit = TransitionOptions.Limit();
        var json = CommonOptions.Json();
        var verb = new Verb(
            "enable",
            "Keeps a livepatch live that is being disabled: reverses its transition.",
            $"""
            As long as tasks still have to switch, the transition can be reversed: tasks that have left the livepatch switch back
            to it. Once the transition has completed, the livepatch is gone, and only `elivepatch patch` makes it live again. The
            command works while `disable` waits. A livepatch made live by this command is again included by the next `elivepatch
            patch` and loaded at boot.

            Exit status: 0 live, 1 the machine failed, 2 no such livepatch, 4 the transition was reversed by someone else.
            {TransitionOptions.TryAgainStatus}
            """,
            new Example("elivepatch enable livepatch_fix_1a2b3c4d", "Keep a livepatch whose removal is blocked.")
        )
        {
            name,
            limit,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
                RunAsync(
                    session,
                    parsed.GetRequiredValue(name),
                    TimeSpan.FromSeconds(parsed.GetValue(limit)),
                    parsed.GetValue(json),
                    cancellation
                )
        );
        return verb;
    }

    private static async Task<int> RunAsync(
        MachineSession session,
        string name,
        TimeSpan limit,
        bool asJson,
        CancellationToken cancellation
    )
    {
        if ((session.Machine.RequireRoot("enable") ?? session.Machine.RequireLivePatching()) is { } refused)
        {
            return Answer.Fail(session, [refused], asJson, cancellation);
        }

        var enabled = await Stages.ShowAsync(
            session,
            progress =>
                new EnableLivepatch(session.Machine, MachineState.Of(session.Machine), progress).RunAsync(
                    name,
                    limit,
                    cancellation
                )
        );
        if (!enabled.TryGet(out var report))
        {
            return Answer.Fail(session, enabled.Problems, asJson, cancellation);
        }

        if (asJson)
        {
            Answer.WriteJson(session, report, ClientJson.Default.EnableReport);
        }
        else
        {
            session.Output.WriteLine(
                Printable.Escape(report.ReversedTransition ? $"{name}: its transition was reversed; it is live" : $"{name}: live")
            );
        }

        return ExitStatus.Done;
    }
}
