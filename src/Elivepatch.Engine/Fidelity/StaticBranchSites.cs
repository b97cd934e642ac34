// In: an object with its __jump_table. Out: where its static branches are. The kernel build (objtool) turns some of the jumps
// into NOPs of the same length, and a running kernel turns them either way, so exactly at these places an instruction may differ
// from what the compiler wrote.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Fidelity;

/// <summary>One static branch: an instruction that is either a NOP or a jump to one target.</summary>
/// <param name="Offset">Offset of the instruction in its section in bytes.</param>
/// <param name="TargetSection">Section of the jump's target.</param>
/// <param name="TargetOffset">Offset of the target in its section in bytes.</param>
internal readonly record struct StaticBranchSite(ulong Offset, ElfSection TargetSection, ulong TargetOffset);

/// <summary>The static branches of an object by section.</summary>
internal sealed class StaticBranchSites
{
    private static readonly List<StaticBranchSite> Nothing = [];
    private readonly Dictionary<ElfSection, List<StaticBranchSite>> bySection = [];
    private readonly Architecture architecture;

    public StaticBranchSites(Architecture architecture, ElfObject unit)
    {
        this.architecture = architecture;
        foreach (var table in unit.Sections.Where(s => s.Name == SectionRules.JumpTable))
        {
            Read(table);
        }

        foreach (var sites in bySection.Values)
        {
            sites.Sort((a, b) => a.Offset.CompareTo(b.Offset));
        }
    }

    /// <summary>The sites in a section, in the order of their offsets.</summary>
    public List<StaticBranchSite> In(ElfSection section) => bySection.GetValueOrDefault(section, Nothing);

    /// <summary>
    /// Takes the table apart by its own relocations: struct jump_entry (<c>include/linux/jump_label.h</c>) has one for the code,
    /// one for the target and a pointer-sized one for the key. A table of any other shape explains nothing.
    /// </summary>
    private void Read(ElfSection table)
    {
        ElfRelocation[] fields = [.. table.Relocations?.Entries.OrderBy(r => r.Offset) ?? Enumerable.Empty<ElfRelocation>()];
        if (fields.Length == 0 || fields.Length % 3 != 0 || table.Size % (ulong)(fields.Length / 3) != 0)
        {
            return;
        }

        var entrySize = table.Size / (ulong)(fields.Length / 3);
        for (var i = 0; i < fields.Length; i += 3)
        {
            var entry = (ulong)(i / 3) * entrySize;
            if (
                fields[i].Offset == entry
                && fields[i + 2].Offset < entry + entrySize
                && fields[i].Type == architecture.Relative.Number
                && fields[i + 1].Type == architecture.Relative.Number
                && architecture.TypeOf(fields[i + 2]).Size == sizeof(ulong)
                && fields[i].Symbol is { Section: { } section } code
                && fields[i + 1].Symbol is { Section: { } targetSection } target
            )
            {
                Add(
                    section,
                    new(
                        unchecked(code.Value + (ulong)fields[i].Addend),
                        targetSection,
                        unchecked(target.Value + (ulong)fields[i + 1].Addend)
                    )
                );
            }
        }
    }

    private void Add(ElfSection section, StaticBranchSite site)
    {
        if (!bySection.TryGetValue(section, out var sites))
        {
            bySection.Add(section, sites = []);
        }

        sites.Add(site);
    }
}
