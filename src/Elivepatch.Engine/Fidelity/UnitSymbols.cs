using Elivepatch.Elf;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.Fidelity;

/// <summary>The symbols of an object by section, in the order of their offsets.</summary>
internal sealed class UnitSymbols
{
    private static readonly List<ElfSymbol> Nothing = [];
    private readonly Dictionary<ElfSection, List<ElfSymbol>> bySection = [];

    public UnitSymbols(LinkRules rules, ElfObject unit)
    {
        foreach (var symbol in unit.Symbols.Where(rules.IsListed))
        {
            if (!bySection.TryGetValue(symbol.Section!, out var symbols))
            {
                bySection.Add(symbol.Section!, symbols = []);
            }

            symbols.Add(symbol);
        }

        foreach (var symbols in bySection.Values)
        {
            symbols.Sort((a, b) => a.Value.CompareTo(b.Value));
        }
    }

    /// <summary>The symbols of a section that kallsyms would list, in the order of their offsets.</summary>
    public IReadOnlyList<ElfSymbol> In(ElfSection section) => bySection.GetValueOrDefault(section, Nothing);

    /// <summary>The name of the function or datum that covers an offset, or the section's name and the offset.</summary>
    public string NameAt(ElfSection section, ulong offset) => SymbolAt(section, offset)?.Name ?? $"{section.Name}+0x{offset:x}";

    /// <summary>The last symbol that starts at or before an offset, or null.</summary>
    public ElfSymbol? SymbolAt(ElfSection section, ulong offset)
    {
        var symbols = bySection.GetValueOrDefault(section, Nothing);
        var low = 0;
        var high = symbols.Count;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (symbols[middle].Value <= offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low > 0 ? symbols[low - 1] : null;
    }
}
