// In: the symbols of one section and those of the running kernel. Out: every address at which the section may lie. One symbol
// that occurs once in the kernel leaves a single candidate, which all the others must confirm.
using Elivepatch.Elf;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.Fidelity;

/// <summary>Finds the addresses at which all symbols of a section are found in the kernel at their offsets.</summary>
internal static class LayoutSearch
{
    /// <summary>
    /// Every address that fits, ascending. A weak symbol may be absent: another unit's definition took its place.
    /// </summary>
    public static IReadOnlyList<ulong> BasesOf(ElfSection section, IReadOnlyList<ElfSymbol> symbols, PatchTarget target) =>
        [.. Candidates(symbols, target).Distinct().Order().Where(b => Fits(section, b, symbols, target))];

    /// <summary>The addresses at which the kernel has a symbol of this name and kind.</summary>
    public static IReadOnlyList<ulong> AddressesOf(ElfSymbol symbol, PatchTarget target) =>
        [.. target.Symbols.Named(symbol.Name).Where(s => target.Rules.MayHaveLetter(symbol, s.Type)).Select(s => s.Address)];

    /// <summary>The addresses to try: those that the rarest name allows, or where all names are weak, any of them.</summary>
    private static IEnumerable<ulong> Candidates(IReadOnlyList<ElfSymbol> symbols, PatchTarget target)
    {
        IReadOnlyList<ulong>? fewest = null;
        ElfSymbol? rarest = null;
        foreach (var symbol in symbols.Where(s => s.Binding != ElfSymbolBinding.Weak))
        {
            var addresses = AddressesOf(symbol, target);
            if (fewest is null || addresses.Count < fewest.Count)
            {
                (rarest, fewest) = (symbol, addresses);
            }

            if (fewest.Count <= 1)
            {
                break;
            }
        }

        return rarest is null
            ? symbols.SelectMany(s => AddressesOf(s, target).Select(a => unchecked(a - s.Value)))
            : fewest!.Select(a => unchecked(a - rarest.Value));
    }

    private static bool Fits(ElfSection section, ulong address, IReadOnlyList<ElfSymbol> symbols, PatchTarget target) =>
        (section.Alignment <= 1 || address % section.Alignment == 0)
        && symbols.All(s => s.Binding == ElfSymbolBinding.Weak || IsAt(s, unchecked(address + s.Value), target))
        && !(section.Has(ElfSectionFlags.Execute) && IsCutOff(section, address, symbols, target));

    /// <summary>True where something else begins within the last function: the kernel's is shorter.</summary>
    private static bool IsCutOff(ElfSection section, ulong address, IReadOnlyList<ElfSymbol> symbols, PatchTarget target) =>
        target.Symbols.Between(unchecked(address + symbols[^1].Value + 1), unchecked(address + section.Size)).Any();

    private static bool IsAt(ElfSymbol symbol, ulong address, PatchTarget target)
    {
        foreach (var found in target.Symbols.EachNamed(symbol.Name))
        {
            if (found.Address == address && target.Rules.MayHaveLetter(symbol, found.Type))
            {
                return true;
            }
        }

        return false;
    }
}
