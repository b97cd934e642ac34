using System.Text;
using Elivepatch.Elf;

namespace Elivepatch.Engine.Units;

/// <content>Last part of reading: table entries are handed to the pieces that they describe.</content>
public sealed partial class UnitObject
{
    private void ReadTables()
    {
        // By name: the order of the sections depends on which of them the compiler happened to write to first.
        var tables = Elf.Sections.Where(s => roles[s] == SectionRole.Table && s.Size > 0);
        foreach (var table in tables.OrderBy(s => s.Name, StringComparer.Ordinal))
        {
            if (SectionRules.IsUnlistedAnnotation(table))
            {
                ReadUnlisted(table);
                continue;
            }

            if (StrideOf(table) is not { } stride)
            {
                Report(DiffProblems.MalformedTable, $"{Name}: {table.Name} has {table.Size} bytes");
                continue;
            }

            for (var offset = 0UL; offset < table.Size; offset += stride)
            {
                var size = Math.Min(stride, table.Size - offset);
                var entry = new TableEntry(table, offset, size, ReadEntry(table, offset, size));
                var owner = OwnerOf(entry);
                owner?.Entries.Add(entry);
                if (bySection[table].UnnamedAt(offset) is { Kind: PieceKind.TableEntry } piece)
                {
                    (piece.References, piece.Parent) = (entry.References, owner);
                }
            }
        }
    }

    // All or nothing: what cannot be taken apart is a section that nobody knows.
    private void ReadUnlisted(ElfSection table)
    {
        var entries = new List<TableEntry>();
        var stride = StrideOf(table) ?? 0;
        for (var offset = 0UL; stride > 0 && offset < table.Size; offset += stride)
        {
            var size = Math.Min(stride, table.Size - offset);
            entries.Add(new(table, offset, size, ReadReferences(table, offset, offset + size, fields: null)));
        }

        if (
            entries.Count == 0
            || !entries.TrueForAll(e => e.References is [{ Piece.IsCode: true } only] && e.Size > (ulong)only.FieldSize)
        )
        {
            roles[table] = SectionRole.Unknown;
            return;
        }

        foreach (var entry in entries)
        {
            entry.References[0].Piece!.Entries.Add(entry);
        }
    }

    // An alternative without replacement code (NOPs take its place) names the place where that of the next one begins.
    private IReadOnlyList<Reference> ReadEntry(ElfSection table, ulong offset, ulong size)
    {
        var references = ReadReferences(table, offset, offset + size, fields: null);
        if (table.Name != SectionRules.Alternatives || ReplacementLength(table.Content.AsSpan((int)offset, (int)size)) != 0)
        {
            return references;
        }

        return
        [
            .. references.Select(r =>
                r.Piece is { Kind: PieceKind.Replacement } next
                    ? r with
                    {
                        Piece = bySection[next.Section].Empty(PieceKind.Replacement, (ulong)((long)next.Anchor + r.Displacement)),
                        Displacement = 0,
                    }
                    : r
            ),
        ];
    }

    // Of an entry that nobody knows it is taken that it has one.
    private int ReplacementLength(ReadOnlySpan<byte> entry) =>
        Layouts?.OffsetOf("alt_instr.replacementlen") is { } known
            ? entry[known]
            : Architecture.Alternatives.LengthsOf(entry)?.Replacement ?? 1;

    private readonly Dictionary<ElfSection, ulong?> strides = [];

    private ulong? StrideOf(ElfSection table)
    {
        if (!strides.TryGetValue(table, out var stride))
        {
            strides[table] = stride = FindStride(table);
        }

        return stride;
    }

    private ulong? FindStride(ElfSection table)
    {
        if (Layouts?.SizeOf(table.Name) is { } known)
        {
            return EntryStride.Fits(table, (ulong)known) ? (ulong)known : null;
        }

        // What objtool is told of code and data alike says it itself (include/linux/annotate.h): its entries lead to either.
        if (table.EntrySize > 1 && EntryStride.Fits(table, table.EntrySize))
        {
            return table.EntrySize;
        }

        var inferred = EntryStride.Infer(table, Architecture.Sections);
        return inferred > 0 ? inferred : null;
    }

    // Entries about code that is not included in anything (init code, discarded code) have an owner that is never looked at.
    private Piece? OwnerOf(TableEntry entry)
    {
        if (entry.Table.Name == SectionRules.PrintkIndex)
        {
            return OwnerOfPrintk(entry);
        }

        var owner = entry.References.Select(r => r.Piece).FirstOrDefault(p => p is { IsCode: true });
        if (
            owner is null
            && !entry.References.Any(r => r.Piece is { } p && p.Section.Has(ElfSectionFlags.Execute))
            && !entry.Table.Name.StartsWith(".discard", StringComparison.Ordinal)
        )
        {
            Report(DiffProblems.MalformedTable, $"{Name}: the entry at {entry.Table.Name}+0x{entry.Offset:x} names no code");
        }

        return owner;
    }

    // struct pi_entry (include/linux/printk.h) names its function by a string.
    private Piece? OwnerOfPrintk(TableEntry entry)
    {
        foreach (var reference in entry.References.SelectMany(r => r.Piece?.References ?? []))
        {
            var text = reference.Piece is { } piece ? Encoding.UTF8.GetString(piece.Bytes.TrimEnd((byte)0)) : "";
            if (
                text.Length > 0
                && Pieces.Find(p => p.Kind == PieceKind.Function && SymbolNames.SourceFunction(p.Name) == text) is { } function
            )
            {
                return function;
            }
        }

        return null;
    }
}
