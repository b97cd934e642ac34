using Elivepatch.Elf;
using Elivepatch.Engine;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Trees;

namespace Elivepatch.Kernel.Build;

/// <summary>The three objects of one unit.</summary>
/// <param name="Unit">Source file.</param>
/// <param name="AsBuilt">Compiled as the running kernel was.</param>
/// <param name="Before">Unpatched, one section per function and datum.</param>
/// <param name="After">Patched, likewise.</param>
/// <param name="NewWarnings">What the compiler says of the patched source alone.</param>
internal sealed record CompiledUnits(string Unit, ElfObject AsBuilt, ElfObject Before, ElfObject After, IReadOnlyList<string> NewWarnings)
{
    // The patched unit first: it is the one that can fail, and the others are often in the cache.
    private static readonly CompileVariant[] variants = [CompileVariant.After, CompileVariant.AsBuilt, CompileVariant.Before];

    /// <summary>Compiles all units in all variants, as many at once as there are processors.</summary>
    public static async Task<Outcome<IReadOnlyList<CompiledUnits>>> CompileAsync(
        UnitCompiler compiler, PreparedTree tree, IReadOnlyList<CompileCommand> commands, SourceOverlay overlay, CancellationToken cancellation)
    {
        var results = new Outcome<CompiledUnit>[variants.Length * commands.Count];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = stop.Token };
        try
        {
            await Parallel.ForAsync(0, results.Length, options, async (i, token) =>
            {
                var variant = variants[i / commands.Count];
                var files = variant == CompileVariant.After ? overlay : SourceOverlay.None;
                results[i] = await compiler.CompileAsync(tree, commands[i % commands.Count], files, variant, token);
                if (!results[i].Succeeded)
                    await stop.CancelAsync();
            });
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // One failed and ended the others: its problem is among the results.
        }

        if (results.Where(r => r is { Succeeded: false }).SelectMany(r => r.Problems).Distinct().ToList() is { Count: > 0 } problems)
            return Outcome<IReadOnlyList<CompiledUnits>>.Failure(problems);
        return Read(commands, results);
    }

    private static Outcome<IReadOnlyList<CompiledUnits>> Read(IReadOnlyList<CompileCommand> commands, Outcome<CompiledUnit>[] results)
    {
        CompiledUnit Of(CompileVariant variant, int unit) => results[Array.IndexOf(variants, variant) * commands.Count + unit].Value;
        try
        {
            return commands.Select((c, i) => new CompiledUnits(
                c.Unit,
                ElfReader.Read(Of(CompileVariant.AsBuilt, i).Object.ToArray()),
                ElfReader.Read(Of(CompileVariant.Before, i).Object.ToArray()),
                ElfReader.Read(Of(CompileVariant.After, i).Object.ToArray()),
                NewWarningsOf(Of(CompileVariant.Before, i).Warnings, Of(CompileVariant.After, i).Warnings))).ToList();
        }
        catch (ElfFormatException e)
        {
            return new Problem(ProblemCodes.MalformedObject, e.Message);
        }
    }

    private static List<string> NewWarningsOf(string before, string after)
    {
        var known = Warnings(before).ToHashSet();
        return [.. Warnings(after).Where(w => !known.Contains(w)).Take(20)];
    }

    private static IEnumerable<string> Warnings(string text) =>
        text.Split('\n').Where(l => l.Contains(": warning: ", StringComparison.Ordinal));
}
