using Elivepatch.Elf;

namespace Elivepatch.Engine.Units;

/// <summary>The pieces of one section, found by offset. Pieces without a symbol are made when something refers to them.</summary>
internal sealed class SectionPieces(ElfSection section)
{
    private readonly List<Piece> named = [];
    private readonly Dictionary<ulong, Piece> byAnchor = [];
    private readonly Dictionary<ulong, Piece> unnamed = [];
    private readonly Dictionary<ulong, Piece> empty = [];
    private ulong[] anchors = [];

    /// <summary>The named pieces by offset.</summary>
    public IReadOnlyList<Piece> Named => named;

    /// <summary>Adds a named piece; offsets ascend.</summary>
    public void Add(Piece piece)
    {
        named.Add(piece);
        byAnchor[piece.Anchor] = piece;
    }

    /// <summary>Ends the adding.</summary>
    public void Seal() => anchors = [.. named.Select(p => p.Anchor)];

    /// <summary>The named piece that begins exactly here, or null.</summary>
    public Piece? At(ulong offset) => byAnchor.GetValueOrDefault(offset);

    /// <summary>True where the last piece added reaches beyond this offset.</summary>
    public bool Overlaps(ulong offset) => named.Count > 0 && named[^1].End > offset;

    /// <summary>
    /// The piece that an address in this section means. The end of the last object counts as that object's (a pointer one past
    /// its end); where an object begins there, as the beginning of the next.
    /// </summary>
    public Piece? Containing(ulong offset)
    {
        if (named.Count == 1 && named[0].Start == 0 && named[0].End >= section.Size)
        {
            return named[0];
        }

        var at = Array.BinarySearch(anchors, offset);
        var index = at >= 0 ? at : ~at - 1;
        if (index >= 0 && (offset < named[index].End || offset == named[index].Anchor))
        {
            return named[index];
        }

        // The padding in front of an entry.
        if (index + 1 < named.Count && offset >= named[index + 1].Start)
        {
            return named[index + 1];
        }

        return index >= 0 && offset == named[index].End && offset == section.Size ? named[index] : Gap(index, offset);
    }

    /// <summary>The literal or replacement code at this offset, made on first use.</summary>
    public Piece Unnamed(PieceKind kind, ulong start, ulong end)
    {
        if (!unnamed.TryGetValue(start, out var piece))
        {
            unnamed[start] = piece = new(kind, $"{section.Name}+0x{start:x}", section, start, start, end);
        }

        return piece;
    }

    /// <summary>The piece without a symbol that begins exactly here, or null where nothing has referred to it.</summary>
    public Piece? UnnamedAt(ulong offset) => unnamed.GetValueOrDefault(offset);

    /// <summary>A place where nothing is, whatever begins there.</summary>
    public Piece Empty(PieceKind kind, ulong at)
    {
        if (!empty.TryGetValue(at, out var piece))
        {
            empty[at] = piece = new(kind, $"{section.Name}+0x{at:x}", section, at, at, at);
        }

        return piece;
    }

    private Piece? Gap(int before, ulong offset)
    {
        if (section.Has(ElfSectionFlags.Execute))
        {
            return null;
        }

        var start = before >= 0 ? named[before].End : 0;
        var end = before + 1 < named.Count ? named[before + 1].Start : section.Size;
        return offset <= end && start <= end ? Unnamed(PieceKind.Unnamed, start, end) : null;
    }
}
