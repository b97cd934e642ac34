// In: patched sources. Out: the units to compile again. A changed C file that this kernel compiles is a unit; for anything else,
// be it a header or a C file that others include (a unit or not), the include graph names candidates, kbuild says which of them
// this kernel has, and the preprocessor which of those see a difference.

using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Kernel.Patches;

/// <summary>Finds the units that patched sources touch.</summary>
/// <param name="cache">What is known of units without the patches.</param>
/// <param name="mostUnits">How many units may include the changed files.</param>
/// <param name="progress">Told of every unit that was looked at.</param>
public sealed class TouchedUnits(CacheRoot cache, int mostUnits, IProgress<StageEvent>? progress = null)
{
    private const string Stage = "find units";

    // Of the C files that may include a header a kernel builds a part; asking kbuild about each of them takes time as well.
    private const int FilesPerUnit = 15;

    /// <summary>
    /// The touched units, in order of path; a problem where something of the patches would be left out that this kernel has:
    /// every changed file is a unit, is seen by units alone, or is no part of this kernel.
    /// </summary>
    public async Task<Outcome<IReadOnlyList<TouchedUnit>>> FindAsync(
        SourceTree tree,
        PatchedSources sources,
        CancellationToken cancellation
    )
    {
        var commands = new KbuildCommands(cache);
        var named = sources.Paths.Where(p => p.EndsWith(".c", StringComparison.Ordinal)).ToList();
        var built = await commands.ForBuiltUnitsAsync(tree, named, cancellation);
        if (!built.TryGet(out var own))
        {
            return Outcome<IReadOnlyList<TouchedUnit>>.Failure(built.Problems);
        }

        var units = own.ToDictionary(c => c.Unit, c => new TouchedUnit(c, [c.Unit]), StringComparer.Ordinal);
        List<Problem> programs =
        [
            .. named.Where(p => !units.ContainsKey(p)).Select(p => NonCReaders.FindForFile(tree, p)).OfType<Problem>(),
        ];
        if (!sources.Paths.All(units.ContainsKey))
        {
            programs.AddRange(await new NonCReaders(cache).FindProgramsAsync(tree, sources, cancellation));
        }

        if (programs.Count > 0)
        {
            return Outcome<IReadOnlyList<TouchedUnit>>.Failure(programs);
        }

        // A unit may be a part of another one as well: fs/compat_binfmt_elf.c includes fs/binfmt_elf.c.
        var includedC = await IncludeGraph.LoadIncludedCAsync(cache, tree, cancellation);
        if (!includedC.TryGet(out var namesOfC))
        {
            return Outcome<IReadOnlyList<TouchedUnit>>.Failure(includedC.Problems);
        }

        var included = sources.Paths.Where(p => !units.ContainsKey(p) || namesOfC.Contains(Path.GetFileName(p))).ToList();
        if (included.Count > 0)
        {
            var seeing = await FindSeeingAsync(tree, sources, included, commands, cancellation);
            if (!seeing.TryGet(out var more))
            {
                return seeing;
            }

            foreach (var unit in more)
            {
                // One that is edited may see other changes as well.
                units[unit.Command.Unit] = units.TryGetValue(unit.Command.Unit, out var known)
                    ? known with
                    {
                        Because = [.. known.Because.Union(unit.Because, StringComparer.Ordinal)],
                    }
                    : unit;
            }
        }
        if (units.Count > 0)
        {
            return units.Values.OrderBy(u => u.Command.Unit, StringComparer.Ordinal).ToList();
        }

        return sources.Paths.All(p => p.EndsWith(".c", StringComparison.Ordinal))
            ? new Problem(CompileProblems.UnitNotBuilt, $"{tree.BuildRules} does not build {string.Join(", ", named)}")
            : new Problem(PatchProblems.FileNotCompiled, string.Join(", ", sources.Paths));
    }

    private async Task<Outcome<IReadOnlyList<TouchedUnit>>> FindSeeingAsync(
        SourceTree tree,
        PatchedSources sources,
        IReadOnlyList<string> included,
        KbuildCommands commands,
        CancellationToken cancellation
    )
    {
        var loaded = await IncludeGraph.LoadAsync(cache, tree, cancellation);
        if (!loaded.TryGet(out var graph))
        {
            return Outcome<IReadOnlyList<TouchedUnit>>.Failure(loaded.Problems);
        }

        var patchedIncludes = sources
            .Plain.Files.SelectMany(f => IncludeGraph.Includes(f.Value.Span).Select(name => (f.Key, name)))
            .ToList();
        // By reader: the changed files that it may see.
        var readers = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var path in included)
        {
            foreach (var reader in graph.ReadersOf(path, patchedIncludes))
            {
                if (!readers.TryGetValue(reader, out var paths))
                {
                    readers[reader] = paths = [];
                }

                paths.Add(path);
            }
        }
        var units = readers.Keys.Where(r => r.EndsWith(".c", StringComparison.Ordinal)).ToList();
        var files = string.Join(", ", included.Take(8));
        if (units.Count > mostUnits * (long)FilesPerUnit)
        {
            return new Problem(
                PatchProblems.TooManyUnits,
                $"{units.Count} C files may include {files}, more than {mostUnits * (long)FilesPerUnit}"
            );
        }

        if (units.Count > 0)
        {
            progress?.Report(new(Stage, $"ask kbuild about {units.Count} C files that may include {files}", StageState.Running));
        }

        var built = await commands.ForBuiltUnitsAsync(tree, [.. units.Where(tree.HasFile)], cancellation);
        if (!built.TryGet(out var candidates))
        {
            return Outcome<IReadOnlyList<TouchedUnit>>.Failure(built.Problems);
        }

        if (candidates.Count > mostUnits)
        {
            return new Problem(
                PatchProblems.TooManyUnits,
                $"{candidates.Count} units may include {files}, more than {mostUnits}"
            );
        }

        var others = await new NonCReaders(cache).FindAsync(tree, sources, readers, cancellation);
        if (!others.TryGet(out var leftOut) || leftOut.Count > 0)
        {
            return Outcome<IReadOnlyList<TouchedUnit>>.Failure(others.Succeeded ? leftOut! : others.Problems);
        }

        var confirmed = await ConfirmAsync(tree, sources, candidates, readers, cancellation);
        return confirmed is { Succeeded: true, Value.Count: 0 } && candidates.Count > 0 && included.Count == sources.Paths.Count
            ? new Problem(
                PatchProblems.NothingChanged,
                $"{Count(candidates.Count)} may include {files}, and none of them uses what differs"
            )
            : confirmed;
    }

    private static string Count(int units) => units == 1 ? "1 unit" : $"{units} units";

    private async Task<Outcome<IReadOnlyList<TouchedUnit>>> ConfirmAsync(
        SourceTree tree,
        PatchedSources sources,
        IReadOnlyList<CompileCommand> candidates,
        Dictionary<string, List<string>> because,
        CancellationToken cancellation
    )
    {
        var touched = new TouchedUnit?[candidates.Count];
        var problems = new Problem?[candidates.Count];
        var done = 0;

        // The include graph goes by names alone. Whoever read none of the changed files reads none of them patched, unless there
        // are more files now: one may be found before another of its name, or be asked for by __has_include().
        bool IsUnseen(HashSet<string> files) => sources.Added.Count == 0 && !sources.Paths.Any(files.Contains);

        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = Environment.ProcessorCount,
            CancellationToken = cancellation,
        };
        await Parallel.ForAsync(
            0,
            candidates.Count,
            options,
            async (i, token) =>
            {
                var compiler = new UnitCompiler(cache);
                var before = await compiler.PreprocessUnpatchedAsync(tree, candidates[i], token);
                if (before.Succeeded && IsUnseen(before.Value.Files))
                {
                    progress?.Report(
                        new(Stage, candidates[i].Unit, StageState.Running, Interlocked.Increment(ref done), candidates.Count)
                    );
                    return;
                }

                var after = await compiler.PreprocessAsync(tree, candidates[i], sources.LinePreserving, token);
                progress?.Report(
                    new(Stage, candidates[i].Unit, StageState.Running, Interlocked.Increment(ref done), candidates.Count)
                );
                // A unit that cannot be preprocessed before has nothing to do with the patch: it lacks a file that kbuild cannot
                // make, and compiling it will say so.
                if (before.Succeeded && !after.Succeeded)
                {
                    problems[i] = after.Problems[0];
                }
                else if (!before.Succeeded || !MeansTheSame(before.Value.ReadText().Span, after.Value.Span))
                {
                    var unit = candidates[i].Unit;
                    // That the text of an edited unit differs tells nothing about the other files.
                    touched[i] =
                        after.Succeeded && sources.Plain.Files.ContainsKey(unit)
                            ? new(candidates[i], await FindSeenAsync(candidates[i], because[unit], after.Value, token))
                            : new(candidates[i], because[unit]);
                }
            }
        );

        static bool MeansTheSame(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after) =>
            before.SequenceEqual(after) || UnusedChanges.AreAll(before, after);

        // The changed files without whose change the text of a unit would be another.
        async Task<IReadOnlyList<string>> FindSeenAsync(
            CompileCommand unit,
            IReadOnlyList<string> files,
            ReadOnlyMemory<byte> patched,
            CancellationToken token
        )
        {
            var seen = new List<string>();
            foreach (var file in files)
            {
                var others = sources.LinePreserving.Files.Where(f => f.Key != file).ToDictionary(StringComparer.Ordinal);
                var without = await new UnitCompiler(cache).PreprocessAsync(tree, unit, new(others), token);
                if (!without.Succeeded || !MeansTheSame(without.Value.Span, patched.Span))
                {
                    seen.Add(file);
                }
            }
            return seen;
        }

        if (problems.OfType<Problem>().ToList() is { Count: > 0 } found)
        {
            return Outcome<IReadOnlyList<TouchedUnit>>.Failure(found);
        }

        return touched.OfType<TouchedUnit>().ToList();
    }
}
