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
        var name = new Argument<string>("NAME") { Description = "The livepatch, as `elivepatch status` names it; of any origin." };
        var limit = TransitionOptions.Limit();
        var force = new Option<bool>("--force")
        {
            Description = "Dangerous: end the transition although tasks still run code of the livepatch.",
        };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "disable", "Makes a livepatch go away; reverses its transition where that has not ended.",
            $"""
            The tasks move back to the kernel's own functions one by one. A livepatch that is still going live is turned around at
            once: what was live before it stays live. What is disabled is not carried by the next `elivepatch patch` and not
            loaded at boot.

            Where tasks do not move, they are listed with their stacks, and the kernel goes on trying. --force then has the kernel
            end the transition regardless (/sys/kernel/livepatch/NAME/force). A task that is inside a function of the livepatch
            goes on in it while others already use the old one: where the two do not get along, data is corrupted or the machine
            goes down. The module can never be unloaded after that. Nothing else that this command does forces anything.

            Exit status: 0 disabled, 1 the machine fails, 2 no such livepatch, 4 somebody turned the transition around.
            {TransitionOptions.TryAgainStatus}
            """,
            new Example("elivepatch disable livepatch_fix_1a2b3c4d", "Take a livepatch away, or stop it on its way."))
        {
            name, limit, force, json,
        };
        verb.SetAction((parsed, cancellation) => RunAsync(
            session, parsed.GetRequiredValue(name), TimeSpan.FromSeconds(parsed.GetValue(limit)), parsed.GetValue(force), parsed.GetValue(json), cancellation));
        return verb;
    }

    private static async Task<int> RunAsync(
        MachineSession session, string name, TimeSpan limit, bool force, bool asJson, CancellationToken cancellation)
    {
        if ((session.Machine.RequireRoot("disable") ?? session.Machine.RequireLivePatching()) is { } refused)
            return Answer.Fail(session, [refused], asJson, cancellation);
        var disabled = await Stages.ShowAsync(
            session, progress => new DisableLivepatch(session.Machine, MachineState.Of(session.Machine), progress).RunAsync(name, limit, force, cancellation));
        if (!disabled.TryGet(out var report))
            return Answer.Fail(session, disabled.Problems, asJson, cancellation);
        if (asJson)
        {
            Answer.WriteJson(session, report, ClientJson.Default.DisableReport);
        }
        else
        {
            session.Output.WriteLine(Printable.Text(report switch
            {
                { Forced: true } => $"{name}: disabled by force; its module stays loaded for good",
                { ReversedTransition: true } => $"{name}: its transition was turned around; what was live before it is live",
                _ => $"{name}: disabled; `elivepatch unload {name}` removes its module",
            }));
        }
        return ExitStatus.Done;
    }
}
