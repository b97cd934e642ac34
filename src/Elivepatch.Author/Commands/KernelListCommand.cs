using Elivepatch.Author.Output;
using Elivepatch.Kernel.Records;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Commands;

/// <summary><c>elivepatch kernel list</c>.</summary>
internal static class KernelListCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var json = CommonOptions.Json();
        var verb = new Verb(
            "list",
            "Lists the imported kernels.",
            """
            PROOF says what code for the kernel is verified against: the bytes of its boot image, or only the layout of its
            symbols if there is no image.
            """,
            new Example("elivepatch kernel list", "List names, build-ids and origins."),
            new Example("elivepatch kernel list --json | jq -r '.[].name'", "Print the names for a script.")
        )
        {
            json,
        };
        verb.SetAction((parsed, cancellation) => Task.FromResult(Run(session, parsed.GetValue(json), cancellation)));
        return verb;
    }

    private static int Run(Session session, bool asJson, CancellationToken cancellation)
    {
        var cache = KernelCommand.OpenCache(session);
        if (!cache.Succeeded)
        {
            return Answer.Fail(session, cache.Problems, asJson, cancellation);
        }

        IReadOnlyList<KernelReport> kernels = [.. new KernelStore(cache.Value).List().Select(KernelReport.Of)];
        if (asJson)
        {
            Answer.WriteJson(session, kernels, AuthorJson.Default.IReadOnlyListKernelReport);
        }
        else
        {
            KernelText.WriteList(session.Output, kernels);
        }

        return ExitStatus.Done;
    }
}
