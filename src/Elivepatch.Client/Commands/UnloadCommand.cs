using System.CommandLine;
using Elivepatch.Client.Output;
using Elivepatch.Machine;
using Elivepatch.Model.Progress;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Commands;

/// <summary><c>elivepatch unload</c>.</summary>
internal static class UnloadCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(MachineSession session)
    {
        var name = new Argument<string>("NAME")
        {
            Description = "A livepatch that is disabled, or has been replaced by another one.",
        };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "unload",
            "Removes the module of a livepatch that is not live.",
            """
            A module that is not a livepatch is left alone. One whose transition was forced cannot be unloaded, because a task may
            still be in its code.
            """,
            new Example("elivepatch unload livepatch_fix_1a2b3c4d", "Free its memory and its name.")
        )
        {
            name,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
                Task.FromResult(Run(session, parsed.GetRequiredValue(name), parsed.GetValue(json), cancellation))
        );
        return verb;
    }

    private static int Run(MachineSession session, string name, bool asJson, CancellationToken cancellation)
    {
        if (session.Machine.RequireRoot("unload") is { } refused)
        {
            return Answer.Fail(session, [refused], asJson, cancellation);
        }

        var unloaded = new DisableLivepatch(session.Machine, MachineState.Of(session.Machine), new Progress<StageEvent>()).Unload(
            name
        );
        if (!unloaded.Succeeded)
        {
            return Answer.Fail(session, unloaded.Problems, asJson, cancellation);
        }

        if (asJson)
        {
            Answer.WriteJson(session, name, ClientJson.Default.String);
        }
        else
        {
            session.Output.WriteLine($"{name}: unloaded");
        }

        return ExitStatus.Done;
    }
}
