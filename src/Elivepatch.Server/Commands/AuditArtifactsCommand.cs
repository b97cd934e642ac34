// In: the state and the cache that are configured. Out: every module that was published, checked by the rules of today, and
// what fails withdrawn. It does what a server does by itself when it comes to know newer rules, for all modules and while
// somebody watches; both may be at it at once.

using System.CommandLine;
using System.Globalization;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Checks;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Hosting;
using Elivepatch.Server.State;
using Elivepatch.Terminal;
using Microsoft.Extensions.Logging.Abstractions;

namespace Elivepatch.Server.Commands;

/// <summary><c>elivepatchd audit artifacts</c>.</summary>
internal static class AuditArtifactsCommand
{
    private const int Page = 50;
    private const int Digits = 12;

    // For whoever has the progress in a file.
    private const int LinesApart = 100;

    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var dryRun = new Option<bool>("--dry-run") { Description = "Only print what would be withdrawn; change nothing." };
        var json = ConfigurationOptions.Json();
        var verb = new Verb(
            "artifacts",
            "Checks every published module by the current rules, and withdraws what breaks one.",
            """
            A server does this by itself when it starts with a newer set of rules. This command does it for all modules at once,
            beside a running server or without one. Run it as the server's user, where builds ran: a check needs the kernel record
            in the cache.

            kept       The module follows every rule, and is given out.
            withdrawn  It breaks the rule that is named. Requests for the module or its manifest are answered with 410, machines
                       that report it as live are told, and an equal request rebuilds it. `GET /api/v1/withdrawals` lists
                       those machines.
            unchecked  It cannot be checked, for the reason that is named. Nothing is known against it, but it is not given out
                       either, and an equal request rebuilds it.

            Exit status: 0 every module follows the rules, 4 one has been withdrawn (now or earlier) or cannot be checked.
            """,
            new Example("elivepatchd audit artifacts --dry-run", "See what the current rules find."),
            new Example(
                "elivepatchd audit artifacts --json | jq -r '.builds[] | select(.result == \"withdrawn\").build'",
                "Withdraw them, and print the builds for a script."
            )
        )
        {
            dryRun,
            json,
        };
        var configuration = ConfigurationOptions.AddArtifacts(verb);
        verb.SetAction(
            async (parsed, cancellation) =>
            {
                var asJson = parsed.GetValue(json);
                var configured = configuration.Read(parsed, session);
                if (!configured.TryGet(out var options))
                {
                    return Answer.Fail(session, configured.Problems, asJson);
                }

                var opened = await OpenDatabase.RunAsync(options, cancellation);
                var cached = CacheRoot.Open(options.CacheFolder);
                if (!opened.TryGet(out var database) || !cached.TryGet(out var cache))
                {
                    return Answer.Fail(session, [.. opened.Problems, .. cached.Problems], asJson);
                }

                await using (database)
                {
                    return await RunAsync(session, options, database, cache, parsed.GetValue(dryRun), asJson, cancellation);
                }
            }
        );
        return verb;
    }

    private static async Task<int> RunAsync(
        Session session,
        ServerOptions options,
        Database database,
        CacheRoot cache,
        bool isDry,
        bool asJson,
        CancellationToken cancellation
    )
    {
        var clock = TimeProvider.System;
        var folder = StateFolder.Open(options);
        if (!folder.TryGet(out var state))
        {
            return Answer.Fail(session, folder.Problems, asJson);
        }

        var builds = new BuildTable(database, new(database, clock), clock);
        var kernels = new KernelTable(database);
        var blobs = database.OpenBlobsBeside(state.Blobs, Path.Combine(options.CacheFolder, "blobs"), clock);
        using var audit = new ArtifactAudit(
            new(new(cache, kernels, blobs), blobs),
            builds,
            kernels,
            new(database, clock),
            NullLogger<ArtifactAudit>.Instance
        );

        var total = await builds.CountPublishedAsync(cancellation);
        var lines = new List<CheckedBuild>();
        StoredBuild? last = null;
        while (await builds.ListPublishedAsync(last, Page, cancellation) is { Count: > 0 } page)
        {
            foreach (var build in page)
            {
                TellProgress(session, lines.Count, total, build);
                lines.Add(
                    build.State == BuildState.Withdrawn
                        ? CheckedBuild.Withdrawn(build, build.End!.Problems.Select(p => $"{p.Code} {p.Reason}"))
                        : CheckedBuild.Of(build, await audit.RunAsync(build, settles: !isDry, cancellation))
                );
            }

            last = page[^1];
        }

        EndProgress(session);
        var report = new ArtifactAuditReport(ModuleRules.Version, isDry, lines);
        if (asJson)
        {
            Answer.WriteJson(session, report, ServerJson.Default.ArtifactAuditReport);
        }
        else
        {
            WriteTable(session.Output, report);
        }

        return lines.All(l => l.Result == CheckedBuild.KeptWord) ? ExitStatus.Done : (int)ProblemKind.Refused;
    }

    private static void TellProgress(Session session, int done, long total, StoredBuild build)
    {
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"checking {done + 1} of {total}: {build.End?.Module} for {build.Release}"
        );
        if (session.IsTerminal)
        {
            session.Error.Write($"\r\e[K{Printable.Escape(text)}");
        }
        else if (done % LinesApart == LinesApart - 1)
        {
            session.Error.WriteLine(Printable.Escape(text));
        }
    }

    private static void EndProgress(Session session)
    {
        if (session.IsTerminal)
        {
            session.Error.Write("\r\e[K");
        }
    }

    private static void WriteTable(TextWriter output, ArtifactAuditReport report)
    {
        if (report.Builds.Count == 0)
        {
            output.WriteLine("no module has been published");
            return;
        }

        Columns.Write(
            output,
            [
                ["RESULT", "BUILD", "MODULE", "KERNEL", "WHY"],
                .. report.Builds.Select(b =>
                    new[]
                    {
                        b.Result,
                        b.Build[..Math.Min(Digits, b.Build.Length)],
                        b.Module,
                        b.Release,
                        b.Reasons is [var first, ..] ? first : "",
                    }
                ),
            ],
            indent: 0
        );
        var (withdrawn, end) = report.IsDryRun ? ("withdrawn or to be withdrawn", "; nothing was changed") : ("withdrawn", "");
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"rule set {report.Rules}: {Count("kept")} kept, {Count("withdrawn")} {withdrawn}, "
                    + $"{Count("unchecked")} unchecked{end}"
            )
        );

        int Count(string result) => report.Builds.Count(b => b.Result == result);
    }
}

/// <summary>What <c>elivepatchd audit artifacts</c> found.</summary>
/// <param name="Rules">The set of rules.</param>
/// <param name="IsDryRun">True where nothing was changed.</param>
/// <param name="Builds">The builds that published a module, those of one kernel together.</param>
internal sealed record ArtifactAuditReport(int Rules, bool IsDryRun, IReadOnlyList<CheckedBuild> Builds);

/// <summary>A build whose module was checked.</summary>
/// <param name="Build">Its id.</param>
/// <param name="Module">Name of the module.</param>
/// <param name="Sha256">The module's digest.</param>
/// <param name="Release">The kernel's release.</param>
/// <param name="Patches">Names of the patches.</param>
/// <param name="Result"><c>kept</c>, <c>withdrawn</c> or <c>unchecked</c>.</param>
/// <param name="Reasons">The rules that it breaks, or why it cannot be told.</param>
internal sealed record CheckedBuild(
    string Build,
    string Module,
    string Sha256,
    string Release,
    IReadOnlyList<string> Patches,
    string Result,
    IReadOnlyList<string> Reasons
)
{
    public const string KeptWord = "kept";
    public const string WithdrawnWord = "withdrawn";
    public const string UncheckedWord = "unchecked";

    /// <summary>A build that was checked now.</summary>
    public static CheckedBuild Of(StoredBuild build, ArtifactVerdict verdict) =>
        verdict.Problems.Count > 0 ? Withdrawn(build, verdict.Problems.Select(p => $"{p.Code.Id} {p.Reason}"))
        : verdict.UnknownReason is { } whyNot ? Of(build, UncheckedWord, [whyNot])
        : Of(build, KeptWord, []);

    /// <summary>A build that has been withdrawn.</summary>
    public static CheckedBuild Withdrawn(StoredBuild build, IEnumerable<string> reasons) =>
        Of(build, WithdrawnWord, [.. reasons]);

    private static CheckedBuild Of(StoredBuild build, string result, IReadOnlyList<string> reasons) =>
        new(
            build.Id,
            build.End?.Module ?? "",
            build.End?.Artifact ?? "",
            build.Release,
            [.. build.Patches.Select(p => p.Name)],
            result,
            reasons
        );
}
