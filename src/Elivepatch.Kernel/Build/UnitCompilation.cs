// In: the compile commands of the touched units and the patched files. Out: three objects per unit, in two lots: those without
// the patch are often in the cache, and can be proven while the compiler is still busy with the patched ones.

using System.Collections.Concurrent;
using Elivepatch.Elf;
using Elivepatch.Engine;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Build;

/// <summary>Compiles the units of a build, as many at once as there are processors. The first failure ends all.</summary>
internal sealed class UnitCompilation : IAsyncDisposable
{
    private readonly UnitCompiler compiler;
    private readonly SourceTree tree;
    private readonly SourceOverlay overlay;
    private readonly ConcurrentQueue<Problem> problems = new();
    private readonly CancellationTokenSource stop;
    private readonly SemaphoreSlim processors = new(Environment.ProcessorCount);
    private readonly Dictionary<CompileVariant, Task<Outcome<CompiledUnit>>[]> objects = [];
    private readonly Dictionary<string, CompiledUnit> patched;

    private UnitCompilation(
        UnitCompiler compiler,
        SourceTree tree,
        SourceOverlay overlay,
        IEnumerable<CompiledUnit> patched,
        CancellationToken cancellation
    )
    {
        (this.compiler, this.tree, this.overlay) = (compiler, tree, overlay);
        this.patched = patched.ToDictionary(p => p.Unit, StringComparer.Ordinal);
        stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
    }

    /// <summary>Starts compiling.</summary>
    /// <param name="compiler">The compiler.</param>
    /// <param name="tree">The prepared tree.</param>
    /// <param name="commands">The units.</param>
    /// <param name="overlay">The patched files.</param>
    /// <param name="patched">Those of the patched units that are compiled already.</param>
    /// <param name="cancellation">Ends it.</param>
    public static UnitCompilation Start(
        UnitCompiler compiler,
        SourceTree tree,
        IReadOnlyList<CompileCommand> commands,
        SourceOverlay overlay,
        IEnumerable<CompiledUnit> patched,
        CancellationToken cancellation
    )
    {
        var compilation = new UnitCompilation(compiler, tree, overlay, patched, cancellation);

        // The patched units first: they are what can fail, and the others are often in the cache. Of each lot the longest first,
        // so that the last to end is not the last to begin.
        var order = Enumerable.Range(0, commands.Count).OrderByDescending(i => compilation.LengthOf(commands[i])).ToList();
        foreach (var variant in (CompileVariant[])[CompileVariant.After, CompileVariant.AsBuilt, CompileVariant.Before])
        {
            var tasks = compilation.objects[variant] = new Task<Outcome<CompiledUnit>>[commands.Count];
            foreach (var i in order)
            {
                tasks[i] = compilation.CompileAsync(commands[i], variant);
            }
        }

        return compilation;
    }

    /// <summary>The units without the patch, in the order of the commands.</summary>
    public async Task<Outcome<IReadOnlyList<UnpatchedUnit>>> CompileUnpatchedAsync()
    {
        var asBuilt = await ObjectsAsync(CompileVariant.AsBuilt);
        var before = await ObjectsAsync(CompileVariant.Before);
        return asBuilt.Then(built =>
            before.Then(unpatched =>
                Read(() => built.Zip(unpatched, (b, u) => new UnpatchedUnit(b.Unit, Parse(b), Parse(u), u.Warnings)).ToList())
            )
        );
    }

    /// <summary>The units with the patch, in the order of the commands.</summary>
    public async Task<Outcome<IReadOnlyList<PatchedUnit>>> CompilePatchedAsync(IReadOnlyList<UnpatchedUnit> unpatched)
    {
        var after = await ObjectsAsync(CompileVariant.After);
        return after.Then(patched =>
            Read(() =>
                patched.Zip(unpatched, (a, u) => new PatchedUnit(a.Unit, Parse(a), NewWarnings(u.Warnings, a.Warnings))).ToList()
            )
        );
    }

    /// <summary>Ends what still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        Task all = Task.WhenAll(objects.Values.SelectMany(t => t));
        await all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        processors.Dispose();
        stop.Dispose();
    }

    private async Task<Outcome<CompiledUnit>> CompileAsync(CompileCommand command, CompileVariant variant)
    {
        if (variant == CompileVariant.After && patched.TryGetValue(command.Unit, out var there))
        {
            return there;
        }

        var files = variant == CompileVariant.After ? overlay : SourceOverlay.None;
        if (compiler.Find(tree, command, files, variant) is { } known)
        {
            return known;
        }

        await processors.WaitAsync(stop.Token);
        try
        {
            var outcome = await Task.Run(() => compiler.CompileAsync(tree, command, files, variant, stop.Token), stop.Token);
            if (!outcome.Succeeded)
            {
                foreach (var problem in outcome.Problems)
                {
                    problems.Enqueue(problem);
                }

                await stop.CancelAsync();
            }

            return outcome;
        }
        finally
        {
            processors.Release();
        }
    }

    private async Task<Outcome<IReadOnlyList<CompiledUnit>>> ObjectsAsync(CompileVariant variant)
    {
        try
        {
            var outcomes = await Task.WhenAll(objects[variant]);
            return problems.IsEmpty ? outcomes.Select(o => o.Value).ToList() : Failure();
        }
        catch (OperationCanceledException) when (!problems.IsEmpty)
        {
            return Failure();
        }
    }

    private Outcome<IReadOnlyList<CompiledUnit>> Failure() =>
        Outcome<IReadOnlyList<CompiledUnit>>.Failure([.. problems.Distinct()]);

    // Of the source as it was: what patches add is little.
    private long LengthOf(CompileCommand command) =>
        new FileInfo(Path.Combine(tree.Folder, command.Unit)) is { Exists: true } file ? file.Length : 0;

    private static Outcome<IReadOnlyList<T>> Read<T>(Func<List<T>> parse)
    {
        try
        {
            return parse();
        }
        catch (ElfFormatException e)
        {
            return new Problem(DiffProblems.MalformedObject, e.Message);
        }
    }

    private static ElfObject Parse(CompiledUnit unit) => ElfReader.Read(unit.Object.ToArray());

    private static List<string> NewWarnings(string before, string after)
    {
        var known = Warnings(before).ToHashSet();
        return [.. Warnings(after).Where(w => !known.Contains(w)).Take(20)];
    }

    private static IEnumerable<string> Warnings(string text) =>
        text.Split('\n').Where(l => l.Contains(": warning: ", StringComparison.Ordinal));
}
