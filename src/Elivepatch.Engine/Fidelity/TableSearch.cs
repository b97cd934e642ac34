// In: a table of the unit (bugs, static branches, alternatives, ...), which has no symbols and to which nothing refers, and the
// image. Out: where it lies. Its entries refer to code whose place is known, so the first of them occurs at one place only. The
// tables belong to the proof: which key a static branch asks and which instructions replace others stands nowhere else.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Fidelity;

/// <summary>Finds the tables of a unit in the image by what they refer to.</summary>
internal static class TableSearch
{
    /// <summary>Tables that the build sorts (<c>scripts/sorttable.c</c>): their entries are no longer together.</summary>
    private static readonly string[] SortedTables = [SectionRules.ExceptionTable, "__mcount_loc"];

    /// <summary>The addresses of the link at which the table's first reference to known code is found.</summary>
    public static IReadOnlyList<ulong> PlacesOf(
        Architecture architecture,
        ElfSection table,
        ImageComparison comparison,
        KernelImage image,
        PatchTarget target
    )
    {
        if (Array.IndexOf(SortedTables, table.Name) >= 0 || comparison.KnownReferenceIn(table) is not { } anchor)
        {
            return [];
        }

        (var start, var end) = RegionOf(table.Name, image, target);
        var found = new List<ulong>();
        var bytes = image.BytesFrom(start);
        var step = Math.Max(1, table.Alignment);
        var type = architecture.TypeOf(anchor);
        var expected = comparison.PlaceOfSymbol(anchor);
        var length = Math.Min(end - start, (ulong)bytes.Length);
        for (var offset = unchecked(step - (start % step)) % step; offset + table.Size <= length; offset += step)
        {
            var field = offset + anchor.Offset;
            if (
                type.FitsInto(field, length)
                && type.Solve(bytes[(int)field..], architecture.Order, start + field, anchor.Addend) == expected
            )
            {
                found.Add(start + offset);
            }
        }

        return found;
    }

    /// <summary>
    /// Where the link puts all tables of one name: a section of its own, or between the symbols that BOUNDED_SECTION_BY of
    /// <c>include/asm-generic/vmlinux.lds.h</c> sets.
    /// </summary>
    private static (ulong Start, ulong End) RegionOf(string name, KernelImage image, PatchTarget target)
    {
        if (image.FindSection(name) is { } section)
        {
            return (section.Address, section.Address + section.Size);
        }

        var start = target.Symbols.Named($"__start_{name}");
        var stop = target.Symbols.Named($"__stop_{name}");
        return start.Count == 1 && stop.Count == 1 && stop[0].Address > start[0].Address
            ? (image.ToLink(start[0].Address), image.ToLink(stop[0].Address))
            : default;
    }
}
