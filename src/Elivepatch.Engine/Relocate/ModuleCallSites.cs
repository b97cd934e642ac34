using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Link;

namespace Elivepatch.Engine.Relocate;

/// <summary>
/// After objtool: takes calls of functions of modules out of the table of calls that the kernel may have to count
/// (<c>callthunks_patch_module_calls()</c> in <c>arch/x86/kernel/callthunks.c</c>). It looks at what each calls when the
/// livepatch is loaded; there such a call leads nowhere yet, and if its field were rewritten, the relocation could not be
/// applied later. A call that is not counted only has the return stack filled too early.
/// In: the object with its livepatch symbols named. Out: the same, changed in place.
/// </summary>
public static class ModuleCallSites
{
    /// <summary>Runs the pass.</summary>
    public static ElfObject Drop(ElfObject elf, Architecture architecture)
    {
        ArgumentNullException.ThrowIfNull(elf);
        ArgumentNullException.ThrowIfNull(architecture);
        if (architecture.Sections.CallSites is not { } name || elf.FindSection(name) is not { Relocations: { } sites } table)
        {
            return elf;
        }

        var late = elf
            .RelocationSections.Where(s => s.Target.Has(ElfSectionFlags.Execute))
            .SelectMany(s => s.Entries.Where(LivepatchUse.LeadsToModule).Select(r => (s.Target, r.Offset)))
            .ToHashSet();
        ElfRelocation[] kept =
        [
            .. sites.Entries.Where(r => !Fields(architecture, r).Any(f => late.Contains(f))).OrderBy(r => r.Offset),
        ];
        if (kept.Length == sites.Entries.Count)
        {
            return elf;
        }

        // An array of distances, and nothing but the relocations in it.
        const int size = sizeof(int);
        table.Content = new byte[kept.Length * size];
        sites.Entries.Clear();
        foreach (var (index, site) in kept.Index())
        {
            sites.Entries.Add(new((ulong)(index * size), site.Type, site.Symbol, site.Addend));
        }

        return elf;
    }

    // Where the field of a call may begin that begins at a site.
    private static IEnumerable<(ElfSection Section, ulong Offset)> Fields(Architecture architecture, ElfRelocation site)
    {
        if (site.Symbol?.Section is not { } section)
        {
            yield break;
        }

        var start = unchecked(site.Symbol.Value + (ulong)site.Addend);
        foreach (var instruction in architecture.Decode(section, start, start + 16).Take(1))
        {
            for (var offset = start; offset < instruction.End; offset++)
            {
                yield return (section, offset);
            }
        }
    }
}
