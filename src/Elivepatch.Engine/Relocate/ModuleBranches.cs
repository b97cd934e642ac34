using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.Units;
using Elivepatch.Model;

namespace Elivepatch.Engine.Relocate;

/// <summary>
/// After objtool, which has to see where the branches lead: takes those of tracepoints that modules have out of the table of
/// static branches. The kernel reads the table when the livepatch is loaded (<see cref="ModuleKeys"/>), so they stay off.
/// In: the object with its livepatch symbols named. Out: the same, changed in place.
/// </summary>
public static class ModuleBranches
{
    // struct jump_entry, include/linux/jump_label.h: where the branch is, where it leads, the key.
    private const int FieldsOfEntry = 3;

    /// <summary>Runs the pass.</summary>
    public static Outcome<ElfObject> SwitchOff(ElfObject elf, Architecture architecture)
    {
        ArgumentNullException.ThrowIfNull(elf);
        ArgumentNullException.ThrowIfNull(architecture);
        if (elf.FindSection(SectionRules.JumpTable) is not { Relocations: { } relocations } table)
        {
            return elf;
        }

        ElfRelocation[][] entries = [.. relocations.Entries.OrderBy(r => r.Offset).Chunk(FieldsOfEntry)];
        if (!entries.Any(e => e.Any(LivepatchUse.LeadsToModule)))
        {
            return elf;
        }

        var size = table.Content.Length / entries.Length;
        if (entries[^1].Length != FieldsOfEntry || table.Content.Length % entries.Length != 0)
        {
            return new Problem(
                LinkProblems.LinkedModuleChanged,
                $"objtool left {table.Name} without three fields for each entry"
            );
        }

        var content = new List<byte>();
        relocations.Entries.Clear();
        foreach (var (index, entry) in entries.Index())
        {
            if (entry.Any(LivepatchUse.LeadsToModule))
            {
                if (SwitchOff(architecture, entry[0]) is { } problem)
                {
                    return problem;
                }

                continue;
            }

            var shift = (ulong)((index * size) - content.Count);
            relocations.Entries.AddRange(entry.Select(r => new ElfRelocation(r.Offset - shift, r.Type, r.Symbol, r.Addend)));
            content.AddRange(table.Content.AsSpan(index * size, size));
        }

        table.Content = [.. content];
        return elf;
    }

    private static Problem? SwitchOff(Architecture architecture, ElfRelocation place)
    {
        if (place.Symbol?.Section is not { } code)
        {
            return new(LinkProblems.LinkedModuleChanged, $"{SectionRules.JumpTable} names a place outside of the module");
        }

        var offset = (int)(place.Symbol.Value + (ulong)place.Addend);
        var length = architecture.StaticBranches.LengthOf(code.Content.AsSpan(offset));
        if (length == 0)
        {
            return new(LinkProblems.LinkedModuleChanged, $"{code.Name}+0x{offset:x} is not a static branch");
        }

        architecture.StaticBranches.NopOf(length).CopyTo(code.Content, offset);
        code.Relocations?.Entries.RemoveAll(r => r.Offset >= (ulong)offset && r.Offset < (ulong)(offset + length));
        return null;
    }
}
