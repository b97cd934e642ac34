// In: the symbols of one section and those of the running kernel. Out: every address at which the section may lie. One symbol
// that occurs once in the kernel leaves a single candidate, which all the others must confirm.
using Elivepatch.Elf;
using Elivepatch.Engine.Facts;

namespace Elivepatch.Engine.Fidelity;

/// <summary>Finds the addresses at which all symbols of a section are found in the kernel at their offsets.</summary>
internal static class LayoutSearch
{
    /// <summary>
    /// Every address that fits, ascending. A weak symbol may be absent: another unit's definition took its place.
    /// </summary>
    public static IReadOnlyList<ulong> BasesOf(ElfSection section, IReadOnlyList<ElfSymbol> symbols, ObjectSymbols kernel) =>
        [.. Candidates(symbols, kernel).Distinct().Order().Where(b => Fits(section, b, symbols, kernel))];

    /// <summary>The addresses at which the kernel has a symbol of this name and kind.</summary>
    public static IReadOnlyList<ulong> AddressesOf(ElfSymbol symbol, ObjectSymbols kernel) =>
        [.. kernel.Named(symbol.Name).Where(s => LinkRules.MayHaveLetter(symbol, s.Type)).Select(s => s.Address)];

    /// <summary>The addresses to try: those that the rarest name allows, or where all names are weak, any of them.</summary>
    private static IEnumerable<ulong> Candidates(IReadOnlyList<ElfSymbol> symbols, ObjectSymbols kernel)
    {
        IReadOnlyList<ulong>? fewest = null;
        ElfSymbol? rarest = null;
        foreach (ElfSymbol symbol in symbols.Where(s => s.Binding != ElfSymbolBinding.Weak))
        {
            IReadOnlyList<ulong> addresses = AddressesOf(symbol, kernel);
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
            ? symbols.SelectMany(s => AddressesOf(s, kernel).Select(a => unchecked(a - s.Value)))
            : fewest!.Select(a => unchecked(a - rarest.Value));
    }

    private static bool Fits(ElfSection section, ulong address, IReadOnlyList<ElfSymbol> symbols, ObjectSymbols kernel) =>
        (section.Alignment <= 1 || address % section.Alignment == 0)
        && symbols.All(s => s.Binding == ElfSymbolBinding.Weak || IsAt(s, unchecked(address + s.Value), kernel))
        && !(section.Has(ElfSectionFlags.Execute) && IsCutOff(section, address, symbols, kernel));

    /// <summary>True where something else begins within the last function: the kernel's is shorter.</summary>
    private static bool IsCutOff(ElfSection section, ulong address, IReadOnlyList<ElfSymbol> symbols, ObjectSymbols kernel) =>
        kernel.Between(unchecked(address + symbols[^1].Value + 1), unchecked(address + section.Size)).Any();

    private static bool IsAt(ElfSymbol symbol, ulong address, ObjectSymbols kernel)
    {
        foreach (KernelSymbol found in kernel.EachNamed(symbol.Name))
        {
            if (found.Address == address && LinkRules.MayHaveLetter(symbol, found.Type))
            {
                return true;
            }
        }

        return false;
    }
}
