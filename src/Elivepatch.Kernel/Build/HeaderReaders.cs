// In: units that see a patch through headers alone. Out: those whose code it changes, with their patched objects. Most units that
// include a changed header do not use what changed: those need no proof, no place in the livepatch, and may be in modules. One
// unit after the other is compiled with and without the patch and compared as the diff compares; only what differs is kept.

using System.Collections.Concurrent;
using Elivepatch.Elf;
using Elivepatch.Engine;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Units;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Patches;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;
using Elivepatch.Model.Progress;
using Elivepatch.Model.Statements;

namespace Elivepatch.Kernel.Build;

/// <summary>What came of the units that see a patch through headers.</summary>
/// <param name="Changed">Those whose code changes: how they are compiled, and their patched objects.</param>
/// <param name="Same">Those of vmlinux that come out as they were.</param>
/// <param name="Stated">What the author states of units that are in no livepatch because of it.</param>
internal sealed record ChangedReaders(
    IReadOnlyList<(CompileCommand Command, CompiledUnit After)> Changed,
    IReadOnlyList<CompileCommand> Same,
    IReadOnlyList<AuthorStatement> Stated
)
{
    /// <summary>No unit.</summary>
    public static ChangedReaders None { get; } = new([], [], []);
}

/// <summary>Compares units that see a patch through headers.</summary>
internal sealed class HeaderReaders(
    UnitCompiler compiler,
    SourceTree tree,
    PatchedSources sources,
    KernelFacts facts,
    AuthorStatements statements
)
{
    private const string Stage = "compare units that include it";

    /// <summary>
    /// Compares them, as many at once as there are processors; a problem for each of a module whose code changes.
    /// </summary>
    public async Task<Outcome<ChangedReaders>> FindChangedAsync(
        IReadOnlyList<TouchedUnit> readers,
        IProgress<StageEvent>? progress,
        CancellationToken cancellation
    )
    {
        var found = new ConcurrentBag<Comparison>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = stop.Token };
        try
        {
            await Parallel.ForEachAsync(
                readers,
                options,
                async (reader, token) =>
                {
                    var comparison = await CompareAsync(reader, token);
                    found.Add(comparison);
                    progress?.Report(new(Stage, reader.Command.Unit, StageState.Running, found.Count, readers.Count));
                    // One that does not compile ends all; one of several modules does not, so that all of them are named.
                    if (comparison.Problems.Any(p => p.Code != PatchProblems.UnitInSeveralModules))
                    {
                        await stop.CancelAsync();
                    }
                }
            );
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The comparison that ended all says why.
        }

        var ordered = found.OrderBy(c => c.Command.Unit, StringComparer.Ordinal).ToList();
        if (ordered.SelectMany(c => c.Problems).ToList() is { Count: > 0 } problems)
        {
            return Outcome<ChangedReaders>.Failure(problems);
        }

        return new ChangedReaders(
            [.. ordered.Where(c => c.After is not null).Select(c => (c.Command, c.After!))],
            [.. ordered.Where(c => c.After is null && !c.Command.IsInSeveralModules).Select(c => c.Command)],
            [.. ordered.Where(c => c.After is null).SelectMany(c => c.Stated)]
        );
    }

    private async Task<Comparison> CompareAsync(TouchedUnit reader, CancellationToken cancellation)
    {
        var command = reader.Command;
        var before = await compiler.CompileAsync(tree, command, SourceOverlay.None, CompileVariant.Before, cancellation);
        if (!before.TryGet(out var unpatched))
        {
            return new(command, before.Problems);
        }

        var after = await compiler.CompileAsync(tree, command, sources.LinePreserving, CompileVariant.After, cancellation);
        if (!after.TryGet(out var patched))
        {
            return new(command, after.Problems);
        }

        var read = Read(command.Unit, unpatched)
            .Then(b =>
                Read(command.Unit, patched)
                    .Then<UnitDiff>(a => DetectChanges.Run(Correlate.Run(b, a, sources.Lines), null, statements.In(command.Unit)))
            );
        if (!read.TryGet(out var diff))
        {
            return new(command, read.Problems);
        }

        if (diff.IsEmpty && GivesTheSame(diff.Correlation))
        {
            return new(command, []) { Stated = diff.Statements.Used };
        }

        return command.IsInSeveralModules ? new(command, [InModules(reader, diff)]) : new(command, []) { After = patched };
    }

    // What became weak makes no other code, and may make another kernel.
    private static bool GivesTheSame(Correlation correlation)
    {
        static HashSet<(string, ElfSymbolBinding, bool)> Names(UnitObject unit) =>
            [.. unit.Elf.Symbols.Where(s => s.Binding != ElfSymbolBinding.Local).Select(s => (s.Name, s.Binding, s.IsDefined))];

        return Names(correlation.Before).SetEquals(Names(correlation.After));
    }

    private Outcome<UnitObject> Read(string unit, CompiledUnit compiled)
    {
        try
        {
            return UnitObject.Read(facts.Architecture.Engine, unit, ElfReader.Read(compiled.Object.ToArray()), facts.Layouts);
        }
        catch (ElfFormatException e)
        {
            return new Problem(DiffProblems.MalformedObject, e.Message);
        }
    }

    private static Problem InModules(TouchedUnit reader, UnitDiff diff)
    {
        var what =
            diff.Changed.Select(c => $"{c.After.Name}()")
                .Concat(diff.NewFunctions.Where(f => f.After.IsGlobal).Select(f => $"{f.After.Name}()"))
                .FirstOrDefault()
            ?? (diff.Problems.Count > 0 ? $"it ({diff.Problems[0].Reason})" : "the names that it gives to others");
        return new(
            PatchProblems.UnitInSeveralModules,
            $"{reader.Command.Unit}, and {string.Join(", ", reader.Because.Take(4))} changes {what}"
        );
    }

    private sealed record Comparison(CompileCommand Command, IReadOnlyList<Problem> Problems)
    {
        public CompiledUnit? After { get; init; }

        public IReadOnlyList<AuthorStatement> Stated { get; init; } = [];
    }
}
