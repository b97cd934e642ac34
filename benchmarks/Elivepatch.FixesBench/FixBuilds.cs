// In: files. Out: what came of building a livepatch of each, by the command as users start it.

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Elivepatch.Engine;
using Elivepatch.Kernel;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;

namespace Elivepatch.FixesBench;

/// <summary>What came of a build.</summary>
internal enum FixOutcome
{
    /// <summary>A module was written.</summary>
    Built,

    /// <summary>Nothing that runs differs.</summary>
    Unchanged,

    /// <summary>The build was refused.</summary>
    Refused,

    /// <summary>
    /// The file compiles neither alone nor with the headers that it includes, or other files do not with those.
    /// </summary>
    NotCompiling,

    /// <summary>
    /// The file compiles, and a kernel made of it would not link: it uses what another changed file defines, or takes away what
    /// another one uses. It is a part of a fix and no fix.
    /// </summary>
    NotLinking,

    /// <summary>The file does not compile without changed headers, and such were not asked for.</summary>
    NeedsHeaders,

    /// <summary>The command failed where it should have built or refused.</summary>
    Failed,
}

/// <summary>Why there is no module.</summary>
/// <param name="Code">The number, as in <c>ELP0408</c>.</param>
/// <param name="Reason">The reason as users read it.</param>
internal sealed record FixReason(string Code, string Reason);

/// <summary>One build.</summary>
/// <param name="Path">The C file.</param>
/// <param name="Outcome">What came of it.</param>
/// <param name="Headers">The headers that were patched with it.</param>
/// <param name="Reasons">Why there is no module; empty where there is one.</param>
/// <param name="Seconds">Wall-clock time of the command.</param>
/// <param name="PeakMiB">The most memory that the command and its compilers held together, looked at five times a second.</param>
internal sealed record FixBuild(
    string Path,
    FixOutcome Outcome,
    IReadOnlyList<string> Headers,
    IReadOnlyList<FixReason> Reasons,
    double Seconds,
    double PeakMiB
);

/// <summary>Builds livepatches of fixes.</summary>
internal sealed class FixBuilds(OlderKernel kernel, FixesOptions options, StateFolder state, FixPatches patches)
{
    private const string Kept = "builds";

    /// <summary>Builds all, several at once; those that were built before are not built again.</summary>
    public static async Task<IReadOnlyList<FixBuild>> RunAsync(
        FixList list,
        OlderKernel kernel,
        FixesOptions options,
        StateFolder state,
        CacheRoot cache,
        CancellationToken cancellation
    )
    {
        var builds = new FixBuilds(kernel, options, state, new FixPatches(kernel, list, state, cache));
        var fixes = list.Select(options);
        var done = new ConcurrentBag<FixBuild>();
        await Parallel.ForEachAsync(
            fixes,
            new ParallelOptions { MaxDegreeOfParallelism = options.Jobs, CancellationToken = cancellation },
            async (fix, token) =>
            {
                var name = StateFolder.NameOf(fix.Path);
                var build = state.Find(Kept, name, FixesJson.Default.FixBuild);
                if (build is null || (build.Outcome == FixOutcome.NeedsHeaders && !options.AloneOnly))
                {
                    build = await builds.BuildAsync(fix.Path, token);
                    state.Keep(Kept, name, build, FixesJson.Default.FixBuild);
                    Console.Error.WriteLine(
                        FormattableString.Invariant(
                            $"[{done.Count + 1}/{fixes.Count}] {fix.Path}: {FixesText.Word(build)} {build.Seconds:0.0} s"
                        )
                    );
                }

                done.Add(build);
            }
        );
        return [.. done.OrderBy(b => b.Path, StringComparer.Ordinal)];
    }

    /// <summary>Where the module of a file is.</summary>
    public static string ModuleOf(StateFolder state, string path) =>
        Path.Combine(state.Modules, StateFolder.NameOf(path) + ".ko");

    private async Task<FixBuild> BuildAsync(string path, CancellationToken cancellation)
    {
        var alone = await patches.CompilesAloneAsync(path, cancellation);
        if (!alone && options.AloneOnly)
        {
            return new(path, FixOutcome.NeedsHeaders, [], [], 0, 0);
        }

        return (alone ? [] : await patches.HeadersAsync(path, cancellation)) is { } headers
            ? await RunAsync(path, headers, await patches.WriteAsync(path, headers, cancellation), cancellation)
            : new(path, FixOutcome.NotCompiling, [], [], 0, 0);
    }

    private async Task<FixBuild> RunAsync(
        string path,
        IReadOnlyList<string> headers,
        string patch,
        CancellationToken cancellation
    )
    {
        var start = new ProcessStartInfo(
            options.Command,
            [
                "build",
                "-k",
                kernel.Record.Facts.Name,
                "-o",
                ModuleOf(state, path),
                "--name",
                "fix_" + ContentDigest.OfParts(path).Hex[..12],
                "--json",
                patch,
            ]
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var watch = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        await using var end = cancellation.Register(() => process.Kill(entireProcessTree: true));
        var memory = PeakMemory.WatchAsync(process);
        var said = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var output = await process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        cancellation.ThrowIfCancellationRequested();
        var seconds = Math.Round(watch.Elapsed.TotalSeconds, 2);
        var reasons = process.ExitCode == 0 ? [] : Reasons(output, await said);
        return new(path, OutcomeOf(process.ExitCode, reasons), headers, reasons, seconds, await memory);
    }

    private static FixOutcome OutcomeOf(int status, IReadOnlyList<FixReason> reasons)
    {
        if (reasons.Count > 0 && reasons.All(r => r.Code == CompileProblems.CompileFailed.Id))
        {
            return FixOutcome.NotCompiling;
        }

        if (reasons.Any(WouldNotLink))
        {
            return FixOutcome.NotLinking;
        }

        return status switch
        {
            0 => FixOutcome.Built,
            (int)ProblemKind.NoChange => FixOutcome.Unchanged,
            (int)ProblemKind.Refused or (int)ProblemKind.Mismatch => FixOutcome.Refused,
            _ => FixOutcome.Failed,
        };
    }

    // What is declared weak need not be defined.
    private static bool WouldNotLink(FixReason reason) =>
        reason.Code == DiffProblems.RemovedDefinition.Id
        || (
            reason.Code == LinkProblems.UnresolvedSymbol.Id && !reason.Reason.Contains("declared weak", StringComparison.Ordinal)
        );

    private static IReadOnlyList<FixReason> Reasons(string output, string said)
    {
        try
        {
            var problems = JsonSerializer.Deserialize(output, ProtocolJson.Default.IReadOnlyListProblemReport) ?? [];
            return [.. problems.Select(p => new FixReason(p.Code, p.Reason))];
        }
        catch (JsonException)
        {
            return [new("none", (said + output).Trim())];
        }
    }
}
