using Elivepatch.Bench;

namespace Elivepatch.FixesBench;

/// <summary>How often a number was the reason of a refusal, and one reason as users read it.</summary>
/// <param name="Code">The number; a refusal with several counts as that of the first.</param>
/// <param name="Count">How many files were refused with it.</param>
/// <param name="Path">One of them.</param>
/// <param name="Reason">The reason there.</param>
internal sealed record RefusalCount(string Code, int Count, string Path, string Reason);

/// <summary>What came of several fixes.</summary>
/// <param name="Attempted">How many compile and would link.</param>
/// <param name="Unchanged">Of those, how many have no changed code.</param>
/// <param name="Built">Of how many a module was built.</param>
/// <param name="Refused">How many were refused.</param>
/// <param name="Failed">With how many the command failed.</param>
internal sealed record FixShare(int Attempted, int Unchanged, int Built, int Refused, int Failed)
{
    /// <summary>Share of the files with changed code that a module was built of, from 0 to 1.</summary>
    public double Share => Attempted == Unchanged ? 0 : Math.Round((double)Built / (Attempted - Unchanged), 4);

    /// <summary>Counts.</summary>
    public static FixShare Of(IEnumerable<FixBuild> builds)
    {
        var outcomes = builds.Select(b => b.Outcome).ToList();
        return new(
            outcomes.Count,
            Count(FixOutcome.Unchanged),
            Count(FixOutcome.Built),
            Count(FixOutcome.Refused),
            Count(FixOutcome.Failed)
        );

        int Count(FixOutcome outcome) => outcomes.Count(o => o == outcome);
    }
}

/// <summary>What a run found.</summary>
internal sealed record FixesResult
{
    /// <summary>The machine.</summary>
    public required Machine Machine { get; init; }

    /// <summary>Version of the older source.</summary>
    public required string From { get; init; }

    /// <summary>Version of the newer source.</summary>
    public required string To { get; init; }

    /// <summary>The stock kernel that was built for.</summary>
    public required string Kernel { get; init; }

    /// <summary>The compiler that it was built with.</summary>
    public required string Compiler { get; init; }

    /// <summary>Files that differ in the folders that were asked for.</summary>
    public required int Differing { get; init; }

    /// <summary>Files that the kernel does not build.</summary>
    public required int NotInKernel { get; init; }

    /// <summary>Files of modules that were not tried.</summary>
    public required int InModules { get; init; }

    /// <summary>Files that compile neither alone nor with the headers that they include.</summary>
    public required int NotCompiling { get; init; }

    /// <summary>Files that compile, and with which alone a kernel would not link.</summary>
    public required int NotLinking { get; init; }

    /// <summary>Files that were left out because they do not compile without changed headers.</summary>
    public required int NeedHeaders { get; init; }

    /// <summary>Files that compile alone.</summary>
    public required FixShare Alone { get; init; }

    /// <summary>
    /// Files that compile with changed headers. Such a header has all that changed between the two versions, where that of a
    /// single fix has the fix's own lines.
    /// </summary>
    public required FixShare WithHeaders { get; init; }

    /// <summary>Modules that were live and clean in a guest; null where none was tried.</summary>
    public required int? Live { get; init; }

    /// <summary>Modules with which something was wrong in a guest.</summary>
    public required IReadOnlyList<FixTrial> Wrong { get; init; }

    /// <summary>The refusals by number, the most frequent first.</summary>
    public required IReadOnlyList<RefusalCount> Refusals { get; init; }

    /// <summary>Seconds of a build that was not for nothing.</summary>
    public required Figures? Seconds { get; init; }

    /// <summary>The most memory that a build and its compilers held, in MiB.</summary>
    public required double PeakMiB { get; init; }

    /// <summary>Every build.</summary>
    public required IReadOnlyList<FixBuild> Builds { get; init; }

    /// <summary>Adds up.</summary>
    public static FixesResult Of(
        FixesOptions options,
        SourceVersions versions,
        OlderKernel kernel,
        FixList list,
        IReadOnlyList<FixBuild> builds,
        IReadOnlyList<FixTrial>? trials
    )
    {
        var candidates = list.In(options);
        var refused = builds.Where(b => b.Outcome == FixOutcome.Refused).ToList();
        var compiling = builds
            .Where(b => b.Outcome is not (FixOutcome.NotCompiling or FixOutcome.NotLinking or FixOutcome.NeedsHeaders))
            .ToList();
        return new()
        {
            Machine = Machine.Here(),
            From = versions.From.Version,
            To = versions.To.Version,
            Kernel = kernel.Record.Facts.Name,
            Compiler = kernel.Record.Facts.Compiler,
            Differing = candidates.Count,
            NotInKernel = candidates.Count(c => c.Place == FixPlace.NotInKernel),
            InModules = options.WithModules ? 0 : candidates.Count(c => c.Place == FixPlace.Module),
            NotCompiling = Count(FixOutcome.NotCompiling),
            NotLinking = Count(FixOutcome.NotLinking),
            NeedHeaders = Count(FixOutcome.NeedsHeaders),
            Alone = FixShare.Of(compiling.Where(b => b.Headers.Count == 0)),
            WithHeaders = FixShare.Of(compiling.Where(b => b.Headers.Count > 0)),
            Live = trials?.Count(t => t.Findings.Count == 0),
            Wrong = [.. (trials ?? []).Where(t => t.Findings.Count > 0)],
            Refusals =
            [
                .. refused
                    .GroupBy(b => b.Reasons[0].Code)
                    .OrderByDescending(g => g.Count())
                    .ThenBy(g => g.Key, StringComparer.Ordinal)
                    .Select(g => new RefusalCount(g.Key, g.Count(), g.First().Path, g.First().Reasons[0].Reason)),
            ],
            Seconds = compiling.Count == 0 ? null : Figures.Of(compiling.Select(b => b.Seconds)),
            PeakMiB = builds.Select(b => b.PeakMiB).DefaultIfEmpty().Max(),
            Builds = builds,
        };

        int Count(FixOutcome outcome) => builds.Count(b => b.Outcome == outcome);
    }
}
