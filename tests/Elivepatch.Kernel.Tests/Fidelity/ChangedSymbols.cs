// In: two objects of one unit. Out: the symbols that differ between them, found without any of the product's comparing: a
// function is its bytes and the places and kinds of its relocations, and anything else is its name.

using Elivepatch.Elf;

namespace Elivepatch.Kernel.Tests.Fidelity;

/// <summary>What two compilers, or one with two sets of flags, made differently.</summary>
internal static class ChangedSymbols
{
    /// <summary>Names that only one object has, and functions that differ.</summary>
    public static IReadOnlySet<string> Between(ElfObject one, ElfObject other)
    {
        var (left, right) = (Symbols(one), Symbols(other));
        return left
            .Keys.Union(right.Keys)
            .Where(n => !left.TryGetValue(n, out var l) || !right.TryGetValue(n, out var r) || l != r)
            .ToHashSet(StringComparer.Ordinal);
    }

    private static Dictionary<string, string> Symbols(ElfObject file) =>
        file
            .Symbols.Where(s => s.IsDefined && !s.IsSectionSymbol && s.Section!.Has(ElfSectionFlags.Alloc))
            .GroupBy(s => s.Name, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => string.Join("|", g.Select(s => s.IsFunction ? Code(s) : "")), StringComparer.Ordinal);

    private static string Code(ElfSymbol function)
    {
        var section = function.Section!;
        var bytes = section.Content.AsSpan((int)function.Value, (int)function.Size);
        var relocations =
            section
                .Relocations?.Entries.Where(r => r.Offset >= function.Value && r.Offset < function.Value + function.Size)
                .Select(r => $"{r.Offset - function.Value:x}:{r.Type}")
            ?? [];
        return $"{section.Name} {Convert.ToHexString(bytes)} {string.Join(' ', relocations)}";
    }
}
