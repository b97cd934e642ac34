using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Fidelity;

/// <summary>A section of code, and what is known of the places in it without decoding.</summary>
/// <param name="Architecture">The processor.</param>
/// <param name="Section">The section.</param>
/// <param name="Fields">Offsets of its relocated fields.</param>
/// <param name="Sites">Offsets that tables refer to because code may be rewritten there at run time.</param>
internal sealed record ReferredSection(
    Architecture Architecture,
    ElfSection Section,
    SortedSet<ulong> Fields,
    HashSet<ulong> Sites
)
{
    /// <summary>True for a table of places to which faults lead: nobody rewrites code there.</summary>
    public static bool IsAddressTable(ElfSection table) => table.Name is SectionRules.ExceptionTable or SectionRules.BugTable;

    /// <summary>The sections of code of an object.</summary>
    public static Dictionary<ElfSection, ReferredSection> Of(Architecture architecture, ElfObject unit)
    {
        var found = unit
            .Sections.Where(s => s.Has(ElfSectionFlags.Execute))
            .ToDictionary(
                s => s,
                s => new ReferredSection(architecture, s, [.. s.Relocations?.Entries.Select(r => r.Offset) ?? []], [])
            );
        foreach (
            var source in unit.Sections.Where(s =>
                s.Has(ElfSectionFlags.Alloc) && s.Relocations is not null && !IsAddressTable(s)
            )
        )
        {
            foreach (var relocation in source.Relocations!.Entries)
            {
                // Within a section of code a target is a place of the code itself.
                if (relocation.Symbol?.Section is { } target && target != source && found.TryGetValue(target, out var referred))
                {
                    referred.Sites.Add(unchecked(relocation.Symbol.Value + (ulong)relocation.Addend));
                }
            }
        }

        return found;
    }
}
