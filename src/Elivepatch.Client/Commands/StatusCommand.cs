using Elivepatch.Client.Machine;
using Elivepatch.Client.Output;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch status</c>.</summary>
internal static class StatusCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var json = CommonOptions.Json();
        var verb = new Verb(
            "status", "What is live on this machine or in transition, and which tasks block it.",
            """
            Asks the kernel (/sys/kernel/livepatch), and so shows livepatches of any origin. For those that this command made live it
            adds their source patches and whether they are loaded again at boot.

            A transition ends when no task uses an old function any more. While one lasts, the tasks that are still to move over are
            listed with their kernel stacks: a task moves when it returns to user space, or when no patched function is on its stack.
            `elivepatch disable NAME` turns a transition around.

            Stacks, and which livepatches are this command's, are shown to root only.
            """,
            new Example("elivepatch status", "Show what is live."),
            new Example(
                "elivepatch status --json | jq -r '.livepatches[] | select(.state == \"live\").name'",
                "Give the names of live ones to a script."))
        {
            json,
        };
        verb.SetAction((parsed, cancellation) => Task.FromResult(Run(session, parsed.GetValue(json), cancellation)));
        return verb;
    }

    private static int Run(Session session, bool asJson, CancellationToken cancellation)
    {
        var read = MachineStatus.Read(session.Machine, MachineState.Of(session));
        if (!read.TryGet(out var status))
            return Answer.Fail(session, read.Problems, asJson, cancellation);
        if (asJson)
            Answer.WriteJson(session, status, ClientJson.Default.StatusReport);
        else
            StatusText.Write(session.Output, status);
        return ExitStatus.Done;
    }
}
