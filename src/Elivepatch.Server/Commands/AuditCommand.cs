using System.CommandLine;
using System.Globalization;
using Elivepatch.Model;
using Elivepatch.Server.State;
using Elivepatch.Terminal;

namespace Elivepatch.Server.Commands;

/// <summary><c>elivepatchd audit</c>.</summary>
internal static class AuditCommand
{
    private const int Most = 1_000_000;

    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var last = new Option<int>("--last")
        {
            Description = "Number of entries. Default: 50.",
            HelpName = "NUMBER",
            DefaultValueFactory = _ => 50,
        };
        var json = ConfigurationOptions.Json();
        var verb = new Verb(
            "audit",
            "Shows the newest entries of the audit log; `audit artifacts` checks what was published.",
            """
            The audit log records changes, downloads of modules and manifests, and refusals for lack of a token or scope. Status
            is that of the HTTP answer, 0 for a command of this program. Times are UTC.
            """,
            new Example("elivepatchd audit --last 200", "Show the newest 200 entries."),
            new Example("elivepatchd audit --json --last 100000 | jq '.[] | select(.status == 401)'", "Find refused tokens.")
        )
        {
            last,
            json,
            AuditArtifactsCommand.Create(session),
        };
        var configuration = ConfigurationOptions.AddState(verb);
        verb.SetAction(
            async (parsed, cancellation) =>
            {
                var asJson = parsed.GetValue(json);
                if (parsed.GetValue(last) is var count && count is < 1 or > Most)
                {
                    var problem = new Problem(
                        CommandProblems.UsageInvalid,
                        $"--last takes 1 to {Most}",
                        "Read `elivepatchd audit --help`."
                    );
                    return Answer.Fail(session, [problem], asJson);
                }

                var opened = await configuration.OpenDatabaseAsync(parsed, session, cancellation);
                if (!opened.TryGet(out var database))
                {
                    return Answer.Fail(session, opened.Problems, asJson);
                }

                var entries = await new AuditTable(database, TimeProvider.System).ListAsync(count, cancellation);
                if (asJson)
                {
                    Answer.WriteJson(session, entries, ServerJson.Default.IReadOnlyListAuditEntry);
                }
                else
                {
                    WriteList(session.Output, entries);
                }

                return ExitStatus.Done;
            }
        );
        return verb;
    }

    private static void WriteList(TextWriter output, IReadOnlyList<AuditEntry> entries) =>
        Columns.Write(
            output,
            [
                ["TIME", "TOKEN", "ADDRESS", "STATUS", "ACTION", "SUBJECT"],
                .. entries.Select(e =>
                    new[]
                    {
                        e.Time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
                        e.Name,
                        e.Address,
                        e.Status.ToString(CultureInfo.InvariantCulture),
                        e.Action,
                        e.Subject,
                    }
                ),
            ],
            indent: 0
        );
}
