using Elivepatch.Elf;
using Elivepatch.Engine.Units;
using Elivepatch.Model;

namespace Elivepatch.Engine.Relocate;

/// <summary>
/// After objtool, which needs their names: makes every cold part a part of its function. A transition asks of each address on a
/// task's stack whether it lies in a patched function, from its symbol to the next one (<c>klp_check_stack_func()</c>,
/// <c>find_kallsyms_symbol()</c>). A cold part with a symbol of its own is no part of it: nothing would wait for a task that
/// sleeps below it, and unloading the module would free code that is going to run.
/// In: an object in which each cold part lies behind its function. Out: the same, changed in place.
/// </summary>
public static class ColdParts
{
    /// <summary>Runs the pass.</summary>
    public static Outcome<ElfObject> Join(ElfObject elf)
    {
        var functions = elf.Symbols.Where(s => s is { IsFunction: true, IsDefined: true }).ToLookup(s => (s.Section!, s.Name));
        var joined = new Dictionary<ElfSymbol, ElfSymbol>();
        foreach (var cold in functions.SelectMany(g => g).Where(s => SymbolNames.IsCold(s.Name)))
        {
            var parent = functions[(cold.Section!, SymbolNames.ParentOfCold(cold.Name))]
                .SingleOrDefault(s => s.Value < cold.Value);
            var end = cold.Value + cold.Size;
            if (
                parent is null
                || elf.Symbols.Exists(s => s != cold && s.Section == cold.Section && s.Value > parent.Value && s.Value < end)
            )
            {
                return new Problem(LinkProblems.LinkedModuleChanged, $"objtool left {cold.Name} apart from its function");
            }

            parent.Size = end - parent.Value;
            joined[cold] = parent;
        }

        foreach (var relocation in elf.RelocationSections.SelectMany(s => s.Entries))
        {
            if (relocation.Symbol is not { } cold || !joined.TryGetValue(cold, out var parent))
            {
                continue;
            }

            relocation.Symbol = parent;
            relocation.Addend += (long)(cold.Value - parent.Value);
        }

        elf.Symbols.RemoveAll(joined.ContainsKey);
        return elf;
    }
}
