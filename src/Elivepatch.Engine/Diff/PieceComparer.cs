using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Compares two pieces: bytes with relocated fields masked, then what each field refers to, then the table entries about
/// them, then the cold part. Functions and variables are the same target when they are correlated; strings, constants,
/// throw-away variables and replacement code when their content is.
/// </summary>
/// <param name="correlation">The pairs.</param>
/// <param name="layouts">Where fields of table entries are; null where nobody knows.</param>
/// <param name="ignoresLineNumbers">
/// True where lines have moved, so that code which differs in line numbers alone is the same.
/// </param>
public sealed class PieceComparer(Correlation correlation, EntryLayouts? layouts, bool ignoresLineNumbers = false)
{
    private readonly Dictionary<(Piece, Piece), Difference?> known = [];

    private ElfByteOrder Order => correlation.After.Architecture.Order;

    /// <summary>The first difference, or null where the pieces are the same.</summary>
    public Difference? Compare(Piece before, Piece after)
    {
        if (known.TryGetValue((before, after), out var difference))
        {
            return difference;
        }

        // Pieces that refer to each other in a circle are the same unless something else differs.
        known[(before, after)] = null;
        return known[(before, after)] =
            CompareContent(before, after) ?? CompareEntries(before, after) ?? CompareCold(before, after);
    }

    /// <summary>The first difference between the references of two ranges, or null.</summary>
    /// <param name="before">References before the patch, by offset.</param>
    /// <param name="after">References after the patch, by offset.</param>
    /// <param name="isOfInit">
    /// True for what only the start reads or runs: to it a function is the same whether or not it is freed afterwards.
    /// </param>
    public Difference? CompareReferences(IReadOnlyList<Reference> before, IReadOnlyList<Reference> after, bool isOfInit = false)
    {
        for (var i = 0; i < Math.Max(before.Count, after.Count); i++)
        {
            if (i >= before.Count)
            {
                return new(after[i].Offset, $"refers to {after[i].TargetName}");
            }

            if (i >= after.Count)
            {
                return new(before[i].Offset, $"no longer refers to {before[i].TargetName}");
            }

            var (b, a) = (before[i], after[i]);
            if (b.Offset != a.Offset || b.FieldSize != a.FieldSize || !b.Type.IsLike(a.Type) || b.Bias != a.Bias)
            {
                return DescribePlaces(b, a);
            }

            if (!SameTarget(b, a, isOfInit))
            {
                return new(a.Offset, Describe(b, a));
            }
        }

        return null;
    }

    /// <summary>The first differing byte outside relocated fields and the masked range, or null.</summary>
    public static Difference? CompareBytes(
        ReadOnlySpan<byte> before,
        ReadOnlySpan<byte> after,
        IReadOnlyList<Reference> references,
        ElfByteOrder order,
        (int Offset, int Size)? masked = null,
        Func<int, bool>? isIgnored = null
    )
    {
        if (before.SequenceEqual(after))
        {
            return null;
        }

        if (before.Length != after.Length)
        {
            return new(0, $"size 0x{before.Length:x} becomes 0x{after.Length:x}");
        }

        var next = 0;
        for (var i = 0; i < after.Length; i++)
        {
            while (next < references.Count && references[next].Offset + (ulong)references[next].FieldSize <= (ulong)i)
            {
                next++;
            }

            var inField =
                next < references.Count
                && (ulong)i >= references[next].Offset
                && !IsOutsideOfBits(before, after, references[next], order);
            var inMask = masked is { } m && i >= m.Offset && i < m.Offset + m.Size;
            if (!inField && !inMask && before[i] != after[i] && isIgnored?.Invoke(i) != true)
            {
                return new((ulong)i, $"byte 0x{before[i]:x2} becomes 0x{after[i]:x2}");
            }
        }

        return null;
    }

    // The other bits of a field are the instruction's.
    private static bool IsOutsideOfBits(
        ReadOnlySpan<byte> before,
        ReadOnlySpan<byte> after,
        Reference field,
        ElfByteOrder order
    ) =>
        field.FieldSize > 0
        && field.Type.FitsInto(field.Offset, (ulong)after.Length)
        && !field.Type.AreEqualOutside(before[(int)field.Offset..], after[(int)field.Offset..], order);

    private bool SameTarget(Reference before, Reference after, bool isOfInit)
    {
        if (before.Displacement != after.Displacement)
        {
            return false;
        }

        if (before.Piece is null || after.Piece is null)
        {
            return before.Piece is null && after.Piece is null && before.External?.Name == after.External?.Name;
        }

        return Identical(before.Piece, after.Piece) || (isOfInit && correlation.IsTakenOutOfInit(before.Piece, after.Piece));
    }

    private bool Identical(Piece before, Piece after)
    {
        if (ReferenceEquals(correlation.BeforeOf(after), before))
        {
            // Labels are part of the code that uses them: other jump targets are another function.
            return (before.LabelledFunctions.Count == 0 && after.LabelledFunctions.Count == 0) || Compare(before, after) is null;
        }

        if (before.Kind != after.Kind || correlation.Contains(before) || correlation.Contains(after))
        {
            return false;
        }

        return before.Kind switch
        {
            PieceKind.Literal or PieceKind.Replacement => Compare(before, after) is null,
            PieceKind.TableEntry => before.Section.Name == after.Section.Name && Compare(before, after) is null,
            PieceKind.Unnamed => SectionRules.HaveOneName(before.Section, after.Section)
                && before.Start == after.Start
                && Compare(before, after) is null,
            PieceKind.Variable when (before.IsThrowaway && after.IsThrowaway) || (before.IsConstant && after.IsConstant) =>
                SymbolNames.OfVariable(before.Name) == SymbolNames.OfVariable(after.Name) && Compare(before, after) is null,
            _ => false,
        };
    }

    private Difference? CompareContent(Piece before, Piece after)
    {
        if (before.Size != after.Size || before.Anchor - before.Start != after.Anchor - after.Start)
        {
            return new(0, $"size 0x{before.Size:x} becomes 0x{after.Size:x}");
        }

        var isOfInit = correlation.Before.RoleOf(before.Section) == SectionRole.Init;
        return CompareReferences(before.References, after.References, isOfInit)
            ?? CompareBytes(
                Content(before, after),
                Content(after, before),
                after.References,
                Order,
                LineNumber(after),
                ignoresLineNumbers ? i => LineNumbers.Differ(correlation.After.Architecture, before, after, i) : null
            );
    }

    // A variable without an initialiser is as good as one that is initialised with zeroes.
    private static ReadOnlySpan<byte> Content(Piece piece, Piece other) =>
        piece.Section.Type == ElfSectionType.NoBits && other.Section.Type != ElfSectionType.NoBits
            ? new byte[piece.Size]
            : piece.Bytes;

    // A member of a table that comes or goes moves no instruction.
    private static Difference DescribePlaces(Reference before, Reference after) =>
        !before.Type.IsPointer || !after.Type.IsPointer || before.Offset == after.Offset
            ? new(after.Offset, $"instructions differ near the reference to {after.TargetName}")
        : after.Offset < before.Offset ? new(after.Offset, $"refers to {after.TargetName}, where it held no address")
        : new(before.Offset, $"no longer refers to {before.TargetName}");

    private static string Describe(Reference before, Reference after)
    {
        if (before.TargetName != after.TargetName)
        {
            return $"refers to {after.TargetName} instead of {before.TargetName}";
        }

        return before.Displacement == after.Displacement
            ? $"the content of {after.TargetName} differs"
            : $"refers to {after.TargetName}{after.Displacement:+0;-0;+0} instead of {before.TargetName}{before.Displacement:+0;-0;+0}";
    }

    private Difference? CompareEntries(Piece before, Piece after)
    {
        for (var i = 0; i < Math.Max(before.Entries.Count, after.Entries.Count); i++)
        {
            if (i >= before.Entries.Count || i >= after.Entries.Count)
            {
                return new(0, $"{after.Entries.Count} table entries describe it instead of {before.Entries.Count}");
            }

            var (b, a) = (before.Entries[i], after.Entries[i]);
            if (b.Table.Name != a.Table.Name || b.Size != a.Size)
            {
                return new(0, $"entry {i} of its table entries is in {a.Table.Name} instead of {b.Table.Name}");
            }

            var difference =
                CompareReferences(b.References, a.References)
                ?? CompareBytes(b.Bytes, a.Bytes, a.References, Order, LineNumber(a.Table, a.Size, a.References));
            if (difference is not null)
            {
                return new(0, $"{a.Table.Name}: {difference.What}");
            }
        }

        return null;
    }

    // struct source_location (lib/ubsan.h): the name of the file, then the line.
    private (int Offset, int Size)? LineNumber(Piece piece) =>
        piece.Kind == PieceKind.TableEntry ? LineNumber(piece.Section, piece.Size, piece.References)
        : SectionRules.IsSanitizerData(piece.Section) && piece.References is [{ Offset: 0 }, ..] ? (sizeof(ulong), sizeof(uint))
        : null;

    // A warning that only moved to another line is the same warning.
    private (int Offset, int Size)? LineNumber(ElfSection table, ulong entrySize, IReadOnlyList<Reference> references)
    {
        if (table.Name != SectionRules.BugTable)
        {
            return null;
        }

        if (layouts is not null)
        {
            return layouts.OffsetOf("bug_entry.line") is { } offset ? (offset, sizeof(ushort)) : null;
        }
        // In all versions of struct bug_entry (include/asm-generic/bug.h) the line follows the last address, if there is one, and
        // the flags follow the line.
        var end = (int)references.Select(r => r.Offset + (ulong)r.FieldSize).DefaultIfEmpty().Max();
        return (int)entrySize - end >= 2 * sizeof(ushort) ? (end, sizeof(ushort)) : null;
    }

    private Difference? CompareCold(Piece before, Piece after) =>
        (before.Cold, after.Cold) switch
        {
            (null, null) => null,
            (null, _) => new(0, "a cold part appears"),
            (_, null) => new(0, "the cold part disappears"),
            var (b, a) => Compare(b, a) is { } difference ? new(difference.Offset, $"cold part: {difference.What}") : null,
        };
}
