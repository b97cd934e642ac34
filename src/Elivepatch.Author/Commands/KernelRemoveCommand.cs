using System.CommandLine;
using Elivepatch.Author.Output;
using Elivepatch.Kernel.Records;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Commands;

/// <summary><c>elivepatch kernel remove</c>.</summary>
internal static class KernelRemoveCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var name = new Argument<string>("KERNEL") { Description = "Name or build-id." };
        var json = CommonOptions.Json();
        var verb = new Verb(
            "remove",
            "Removes a kernel record.",
            "Sources and objects stay in the cache, where another import reuses them. Livepatches that were built stay as well.",
            new Example("elivepatch kernel remove 6.12.117+deb12-cloud-amd64", "Remove the record of the kernel.")
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
        var removed = KernelCommand.OpenCache(session).Then(cache => new KernelStore(cache).Remove(name));
        if (!removed.Succeeded)
        {
            return Answer.Fail(session, removed.Problems, asJson, cancellation);
        }

        var report = removed.Value.Facts.Name;
        if (asJson)
        {
            Answer.WriteJson(session, report, AuthorJson.Default.String);
        }
        else
        {
            session.Output.WriteLine($"removed {report}");
        }

        return ExitStatus.Done;
    }
}
