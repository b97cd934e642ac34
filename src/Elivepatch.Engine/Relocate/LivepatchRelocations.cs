using Elivepatch.Elf;
using Elivepatch.Engine.Link;

namespace Elivepatch.Engine.Relocate;

/// <summary>
/// The last rewrite: relocations against livepatch symbols leave the ordinary relocation sections, which the module loader
/// applies, for <c>.klp.rela.OBJECT.SECTION</c>, which the livepatch core does. In: the linked module. Out: the same, changed in
/// place. Nothing may strip or reorder symbols afterwards: the loader keeps the symbol table by index.
/// </summary>
public static class LivepatchRelocations
{
    /// <summary>Runs the pass.</summary>
    public static void Apply(ElfObject module)
    {
        LivepatchNames.SetPlace(module, ElfSymbolPlace.Livepatch);
        foreach (var ordinary in module.RelocationSections.Where(s => !s.Has(ElfSectionFlags.RelaLivepatch)).ToList())
        {
            var groups = ordinary
                .Entries.Where(IsLivepatch)
                .GroupBy(r => LivepatchUse.TryParse(r.Symbol!.Name)!.SectionObject)
                .ToList();
            if (groups.Count == 0)
            {
                continue;
            }

            ordinary.Entries.RemoveAll(IsLivepatch);
            foreach (var group in groups)
            {
                module.Sections.Add(Section(group.Key, ordinary, group));
            }

            if (ordinary.Entries.Count > 0)
            {
                continue;
            }

            module.Sections.Remove(ordinary);
            ordinary.Target.Relocations = null;
        }

        GiveFinalNames(module);
    }

    // Where the section says who uses a symbol, its name need not: each symbol is there once.
    private static void GiveFinalNames(ElfObject module)
    {
        var finals = new Dictionary<string, ElfSymbol>(StringComparer.Ordinal);
        var doubles = new Dictionary<ElfSymbol, ElfSymbol>();
        foreach (var symbol in module.Symbols)
        {
            if (LivepatchUse.TryParse(symbol.Name) is not { } use)
            {
                continue;
            }

            symbol.Name = use.Symbol.SymbolName;
            if (!finals.TryAdd(symbol.Name, symbol))
            {
                doubles.Add(symbol, finals[symbol.Name]);
            }
        }

        foreach (var relocation in module.RelocationSections.SelectMany(s => s.Entries))
        {
            if (relocation.Symbol is { } symbol && doubles.TryGetValue(symbol, out var first))
            {
                relocation.Symbol = first;
            }
        }

        module.Symbols.RemoveAll(doubles.ContainsKey);
    }

    private static bool IsLivepatch(ElfRelocation relocation) =>
        relocation.Symbol is { } symbol && LivepatchUse.TryParse(symbol.Name) is not null;

    private static ElfRelocationSection Section(
        string objectName,
        ElfRelocationSection ordinary,
        IEnumerable<ElfRelocation> entries
    )
    {
        var section = new ElfRelocationSection($".klp.rela.{objectName}.{ordinary.Target.Name}", ordinary.Target)
        {
            Flags = ElfSectionFlags.Alloc | ElfSectionFlags.InfoLink | ElfSectionFlags.RelaLivepatch,
            Alignment = 8,
            EntrySize = 24,
        };
        section.Entries.AddRange(entries);
        return section;
    }
}
