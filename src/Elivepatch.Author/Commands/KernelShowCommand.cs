using System.CommandLine;
using Elivepatch.Author.Output;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Commands;

/// <summary><c>elivepatch kernel show</c>.</summary>
internal static class KernelShowCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var name = new Argument<string>("KERNEL") { Description = "Name or build-id." };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "show",
            "Shows what is known about one kernel.",
            "Shows where it comes from, what built it, and what code for it can be verified against.",
            new Example("elivepatch kernel show $(uname -r)", "Show the record of the kernel that runs here.")
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

    private static int Run(Session session, string name, bool asJson, CancellationToken cancellation)
    {
        var record = KernelCommand.Open(session, name);
        if (!record.Succeeded)
        {
            return Answer.Fail(session, record.Problems, asJson, cancellation);
        }

        var report = KernelReport.Of(record.Value);
        if (asJson)
        {
            Answer.WriteJson(session, report, AuthorJson.Default.KernelReport);
        }
        else
        {
            KernelText.Write(session.Output, report);
        }

        return ExitStatus.Done;
    }
}
