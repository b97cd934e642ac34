using Elivepatch.Elf;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Interfaces;

/// <summary>One compared unit, and which names it gives to the rest of the kernel.</summary>
/// <param name="Diff">What the patch does to it.</param>
/// <param name="Placement">Where its symbols are in the running kernel.</param>
public sealed record UnitInterface(UnitDiff Diff, UnitPlacement Placement)
{
    /// <summary>Source file of the unit.</summary>
    public string Name => Diff.Unit;

    /// <summary>The unit without the patch.</summary>
    internal UnitObject Before => Diff.Correlation.Before;

    /// <summary>The unit with the patch.</summary>
    internal UnitObject After => Diff.Correlation.After;

    /// <summary>What the unit defines for others without the patch, by name.</summary>
    internal Dictionary<string, ElfSymbol> DefinedBefore { get; } = Definitions(Diff.Correlation.Before);

    /// <summary>What the unit defines for others with the patch, by name.</summary>
    internal Dictionary<string, ElfSymbol> DefinedAfter { get; } = Definitions(Diff.Correlation.After);

    /// <summary>
    /// True where the running kernel has this unit's definition of the name, and not another unit's in its stead.
    /// </summary>
    internal bool IsRunning(string name) => Placement.Find(name) is not null;

    /// <summary>True where the patched unit uses a definition that it expects of another unit.</summary>
    internal bool Expects(string name) => After.Elf.Symbols.Any(s => s.Place == ElfSymbolPlace.Undefined && s.Name == name);

    // Symbols, not pieces: an alias is one more name of a piece, and the linker knows nothing but names.
    private static Dictionary<string, ElfSymbol> Definitions(UnitObject unit)
    {
        var found = new Dictionary<string, ElfSymbol>(StringComparer.Ordinal);
        foreach (
            var symbol in unit.Elf.Symbols.Where(s => s.Binding != ElfSymbolBinding.Local && s.Place != ElfSymbolPlace.Undefined)
        )
        {
            found.TryAdd(symbol.Name, symbol);
        }

        return found;
    }
}
