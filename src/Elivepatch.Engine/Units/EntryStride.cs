using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Units;

/// <summary>
/// Finds the entry size of a table from its relocations: entries are alike, so the relocations of one entry repeat in every
/// entry at the same offsets, and lead to code, or not, alike. The smallest size for which that is true, and which has room for
/// the fields that every version of the table has, is the entry size. The target's own headers, where they are known, must agree
/// with it.
/// </summary>
internal static class EntryStride
{
    // Relocated fields of an entry, by table; one in the others. Of two fields that follow each other without a gap nothing else
    // tells where an entry ends: include/linux/jump_label.h, include/linux/static_call_types.h, arch/*/include/asm/extable.h.
    private static readonly Dictionary<string, int> fewestFields = new()
    {
        [SectionRules.JumpTable] = 3,
        [SectionRules.StaticCallSites] = 2,
        [SectionRules.ExceptionTable] = 2,
        [SectionRules.Alternatives] = 2,
    };

    // No table has more; of several entries that are unlike each other nothing must look like one.
    private const int MostFields = 4;

    /// <summary>Entry size in bytes, or 0 where no size fits.</summary>
    public static ulong Infer(ElfSection table, SectionTable sections)
    {
        var size = table.Size;
        ElfRelocation[] relocations = [.. table.Relocations?.Entries.OrderBy(r => r.Offset) ?? Enumerable.Empty<ElfRelocation>()];
        if (size == 0 || relocations.Length == 0)
        {
            return 0;
        }

        var found = 0UL;
        for (
            var perEntry = fewestFields.GetValueOrDefault(table.Name, 1);
            perEntry <= Math.Min(relocations.Length, MostFields);
            perEntry++
        )
        {
            if (relocations.Length % perEntry != 0)
            {
                continue;
            }

            var stride = perEntry < relocations.Length ? relocations[perEntry].Offset - relocations[0].Offset : size;
            // Where the assembler aligns the beginning of each entry, nothing fills up the last one (.parainstructions).
            var last = stride * (ulong)(relocations.Length / perEntry - 1);
            if (stride == 0 || size <= last || size - last > stride || !Repeats(relocations, stride, perEntry))
            {
                continue;
            }
            // Of two or three addresses of code in a row: the third is a handler, and leads to the entry of a function each time.
            if (found > 0)
            {
                return perEntry == 3 && relocations.Where((_, i) => i % 3 == 2).All(r => LeadsToEntry(r, sections))
                    ? stride
                    : found;
            }

            found = stride;
            if (table.Name != SectionRules.ExceptionTable)
            {
                break;
            }
        }

        return found;
    }

    /// <summary>True where every entry of this size has relocations at the same offsets as the first.</summary>
    public static bool Fits(ElfSection table, ulong stride)
    {
        if (stride == 0 || table.Size % stride != 0)
        {
            return false;
        }

        ElfRelocation[] relocations = [.. table.Relocations?.Entries.OrderBy(r => r.Offset) ?? Enumerable.Empty<ElfRelocation>()];
        var perEntry = relocations.TakeWhile(r => r.Offset < stride).Count();
        return (ulong)relocations.Length == (ulong)perEntry * (table.Size / stride)
            && relocations
                .Select((r, i) => r.Offset == ((ulong)(i / perEntry) * stride) + relocations[i % perEntry].Offset)
                .All(fits => fits);
    }

    private static bool Repeats(ElfRelocation[] relocations, ulong stride, int perEntry)
    {
        for (var i = 0; i < relocations.Length; i++)
        {
            var (here, first) = (relocations[i], relocations[i % perEntry]);
            if (
                here.Offset / stride != (ulong)(i / perEntry)
                || here.Offset % stride != first.Offset % stride
                || here.Type != first.Type
                || LeadsToCode(here) != LeadsToCode(first)
            )
            {
                return false;
            }
        }

        return true;
    }

    // No instruction at a function's entry may fault.
    private static bool LeadsToEntry(ElfRelocation relocation, SectionTable sections) =>
        relocation.Addend == 0
        && relocation.Symbol is { } symbol
        && (symbol.IsFunction || (symbol.IsSectionSymbol && !sections.Outlines.Contains(symbol.Section!.Name)));

    private static bool LeadsToCode(ElfRelocation relocation) => relocation.Symbol?.Section?.Has(ElfSectionFlags.Execute) == true;
}
