using System.CommandLine;
using Elivepatch.Client.Output;
using Elivepatch.Machine;
using Elivepatch.Terminal;
using Elivepatch.Terminal.Progress;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch disable</c>.</summary>
internal static class DisableCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(MachineSession session)
    {
        var name = new Argument<string>("NAME")
        {
            Description = "The livepatch, by its name in `elivepatch status`; of any origin.",
        };
        var limit = TransitionOptions.Limit();
        var force = new Option<bool>("--force")
        {
            Description = "Dangerous: end the transition even though tasks still run code of the livepatch.",
        };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "disable",
            "Disables a livepatch; reverses its transition if that has not completed.",
            $"""
            The tasks switch back to the kernel's own functions one by one. The transition of a livepatch that is still going live
            is reversed at once: what was live before stays live. A disabled livepatch is not included by the next `elivepatch
            patch` and not loaded at boot.

            If tasks do not switch, they are listed with their stacks, and the kernel keeps trying. --force then makes the kernel
            end the transition regardless (/sys/kernel/livepatch/NAME/force). A task inside a function of the livepatch continues
            in it while others already use the old one: if the two are not compatible, data is corrupted or the machine crashes.
            The module can never be unloaded after that. No other command forces a transition.

            Exit status: 0 disabled, 1 the machine failed, 2 no such livepatch, 4 the transition was reversed by someone else.
            {TransitionOptions.TryAgainStatus}
            """,
            new Example("elivepatch disable livepatch_fix_1a2b3c4d", "Disable a livepatch, or stop it from going live.")
        )
        {
            name,
            limit,
            force,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
                RunAsync(
                    session,
                    parsed.GetRequiredValue(name),
                    TimeSpan.FromSeconds(parsed.GetValue(limit)),
                    parsed.GetValue(force),
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
        bool force,
        bool asJson,
        CancellationToken cancellation
    )
    {
        if ((session.Machine.RequireRoot("disable") ?? session.Machine.RequireLivePatching()) is { } refused)
        {
            return Answer.Fail(session, [refused], asJson, cancellation);
        }

        var disabled = await Stages.ShowAsync(
            session,
            progress =>
                new DisableLivepatch(session.Machine, MachineState.Of(session.Machine), progress).RunAsync(
                    name,
                    limit,
                    force,
                    cancellation
                )
        );
        if (!disabled.TryGet(out var report))
        {
            return Answer.Fail(session, disabled.Problems, asJson, cancellation);
        }

        if (asJson)
        {
            Answer.WriteJson(session, report, ClientJson.Default.DisableReport);
        }
        else
        {
            session.Output.WriteLine(
                Printable.Escape(
                    report switch
                    {
                        { Forced: true } => $"{name}: disabled by force; its module stays loaded for good",
                        { ReversedTransition: true } => $"{name}: its transition was reversed; what was live before it is live",
                        _ => $"{name}: disabled; `elivepatch unload {name}` removes its module",
                    }
                )
            );
        }
        return ExitStatus.Done;
    }
}
