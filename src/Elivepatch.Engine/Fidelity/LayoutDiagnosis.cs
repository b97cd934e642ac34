// In: a section that fits nowhere. Out: which functions are to blame. Only the names matter to whoever reads it: a function that
// is missing was inlined or renamed, one with another distance to its successor has other code.
using Elivepatch.Elf;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Fidelity;

/// <summary>Names the functions or data because of which a section fits nowhere.</summary>
internal static class LayoutDiagnosis
{
    /// <summary>A name that occurs more often than this says nothing about where a section lies.</summary>
    private const int MostVotes = 64;

    /// <summary>What the sections of other units may be aligned to, in bytes.</summary>
    private const ulong UsualAlignment = 16;

    /// <summary>What differs, function by function in the order of the section; at least one line.</summary>
    public static IReadOnlyList<string> Explain(ElfSection section, IReadOnlyList<ElfSymbol> symbols, PatchTarget target)
    {
        ElfSymbol[] strong = [.. symbols.Where(s => s.Binding != ElfSymbolBinding.Weak)];
        ulong[] found = [.. Nearest(strong, target)];
        var lines = new List<string>();
        for (var i = 0; i < strong.Length; i++)
        {
            if (found[i] == 0)
            {
                lines.Add($"{strong[i].Name} ({Missing(strong[i].Name, target)})");
            }
            else if (
                i + 1 < strong.Length
                && found[i + 1] != 0
                && unchecked(found[i + 1] - found[i]) != unchecked(strong[i + 1].Value - strong[i].Value)
            )
            {
                lines.Add(
                    found[i + 1] < found[i]
                        ? $"{strong[i].Name} (followed by another symbol)"
                        : $"{strong[i].Name} ({strong[i + 1].Value - strong[i].Value} bytes to the next symbol, {found[i + 1] - found[i]} in the running kernel)"
                );
            }
        }

        if (
            strong.Length > 0
            && found[^1] != 0
            && section.Has(ElfSectionFlags.Execute)
            && ExplainLast(section, strong[^1], unchecked(found[^1] - strong[^1].Value), target) is { } last
        )
        {
            lines.Add(last);
        }

        return lines.Count > 0 ? lines : [$"{symbols[0].Name} (at no address that suits the section)"];
    }

    /// <summary>
    /// What differs in the last function of a section that fits, or null: it ends where the next symbol of the kernel begins, but
    /// for padding. That tells what the symbols of the unit alone do not. It is a guess where another unit begins with code that
    /// has none.
    /// </summary>
    public static string? ExplainLast(ElfSection section, ElfSymbol last, ulong address, PatchTarget target)
    {
        var here = section.Size - last.Value;
        var there = target.Symbols.EndOf(new(last.Name, unchecked(address + last.Value), 't')) - unchecked(address + last.Value);
        return there < here || there - here >= Math.Max(section.Alignment, UsualAlignment)
            ? $"{last.Name} ({here} bytes to the end, {there} to the next symbol in the running kernel)"
            : null;
    }

    /// <summary>
    /// Why the kernel has no such name. Macros put the line of an entry into its name, which moves with the code above it.
    /// </summary>
    private static string Missing(string name, PatchTarget target)
    {
        var pattern = SymbolNames.OfListEntry(name);
        var other =
            pattern == name
                ? null
                : Enumerable
                    .Range(0, target.Symbols.Count)
                    .Select(i => target.Symbols[i].Name)
                    .FirstOrDefault(n =>
                        n.Length <= name.Length + 4
                        && n.StartsWith("__", StringComparison.Ordinal)
                        && SymbolNames.OfListEntry(n) == pattern
                    );
        return other is null
            ? "not in the running kernel"
            : $"not in the running kernel, which has {other}: in its source the entry is on another line";
    }

    /// <summary>
    /// For every symbol its address in the target, the one closest to where most of the section seems to lie; 0 where there is
    /// none.
    /// </summary>
    private static IEnumerable<ulong> Nearest(ElfSymbol[] symbols, PatchTarget target)
    {
        IReadOnlyList<ulong>[] addresses = [.. symbols.Select(s => LayoutSearch.AddressesOf(s, target))];
        ulong[] votes =
        [
            .. symbols
                .Zip(addresses)
                .Where(p => p.Second.Count <= MostVotes)
                .SelectMany(p => p.Second.Select(a => unchecked(a - p.First.Value)))
                .Order(),
        ];
        var middle = Densest(votes, symbols.Length == 0 ? 0 : symbols[^1].Value);
        return symbols.Zip(
            addresses,
            (symbol, all) => all.DefaultIfEmpty().MinBy(a => unchecked((ulong)Math.Abs((long)(a - middle - symbol.Value))))
        );
    }

    /// <summary>The middle of the closest crowd of votes, where a crowd spans no more than the section's length.</summary>
    private static ulong Densest(ulong[] votes, ulong span)
    {
        var bestStart = 0;
        var bestCount = 0;
        for (int start = 0, end = 0; end < votes.Length; end++)
        {
            while (votes[end] - votes[start] > span)
            {
                start++;
            }

            if (end - start + 1 > bestCount)
            {
                (bestStart, bestCount) = (start, end - start + 1);
            }
        }

        return votes.Length == 0 ? 0 : votes[bestStart + (bestCount / 2)];
    }
}
