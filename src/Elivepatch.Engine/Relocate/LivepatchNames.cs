using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Link;
using Elivepatch.Model;

namespace Elivepatch.Engine.Relocate;

/// <summary>
/// After objtool: gives livepatch symbols their final names and ties the glue to the new functions. In: the object as objtool
/// left it. Out: the same object, changed in place, ready for modpost and the final link.
/// </summary>
public static class LivepatchNames
{
    /// <summary>Runs the pass.</summary>
    public static Outcome<ElfObject> Apply(ElfObject elf, CombinedModule combined)
    {
        foreach (var symbol in elf.Symbols.Where(s => s.Place == ElfSymbolPlace.Undefined))
        {
            if (combined.Aliases.TryGetValue(symbol.Name, out var use))
            {
                symbol.Name = use.LinkName;
            }
        }

        var functions = elf
            .Symbols.Where(s => s is { IsFunction: true, IsDefined: true })
            .ToLookup(s => (s.Section!.Name, s.Name));
        foreach (var relocation in elf.RelocationSections.SelectMany(s => s.Entries))
        {
            if (
                relocation.Symbol is not { Place: ElfSymbolPlace.Undefined } symbol
                || !combined.NewFunctions.TryGetValue(symbol.Name, out var target)
            )
            {
                continue;
            }

            if (functions[target].Count() != 1)
            {
                return new Problem(
                    LinkProblems.LinkedModuleChanged,
                    $"objtool left {functions[target].Count()} functions {target.Symbol} in {target.Section}"
                );
            }

            relocation.Symbol = functions[target].First();
        }

        elf.Symbols.RemoveAll(s => combined.NewFunctions.ContainsKey(s.Name));
        return elf;
    }

    /// <summary>
    /// Sets the place of livepatch symbols to what the loader expects, or back to undefined for the linker, which knows nothing
    /// of it.
    /// </summary>
    public static void SetPlace(ElfObject elf, ElfSymbolPlace place)
    {
        foreach (var symbol in elf.Symbols.Where(s => s.Name.StartsWith(LivepatchSymbol.Prefix, StringComparison.Ordinal)))
        {
            symbol.Place = place;
        }
    }
}
