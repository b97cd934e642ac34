// In: a debug section of a relocatable object. Out: its bytes, expanded where compressed, and what its fields refer to. In
// an object file the fields are still zero or partial: the relocations say which string, range or address they mean.
using System.IO.Compression;

namespace Elivepatch.Elf.Dwarf;

/// <summary>A debug section with its relocations in order of offset.</summary>
internal sealed class DwarfSection
{
    /// <summary>zlib cannot expand more than 1032-fold; a section that claims more is not worth allocating for.</summary>
    private const ulong LargestExpansion = 1032;

    private readonly ElfRelocation[] _relocations;

    private DwarfSection(ElfSection section, ElfByteOrder order)
    {
        Order = order;
        Name = section.Name;
        Bytes = section.Has(ElfSectionFlags.Compressed) ? Expand(section, order) : section.Content;
        _relocations = section.Relocations is null ? [] : [.. section.Relocations.Entries];
        for (var i = 1; i < _relocations.Length; i++)
        {
            if (_relocations[i].Offset < _relocations[i - 1].Offset)
            {
                Array.Sort(_relocations, (a, b) => a.Offset.CompareTo(b.Offset));
                break;
            }
        }
    }

    public string Name { get; }

    public byte[] Bytes { get; }

    public ElfByteOrder Order { get; }

    /// <summary>The section of this name, or an empty one.</summary>
    public static DwarfSection Find(ElfObject elf, string name) =>
        new(elf.FindSection(name) ?? new ElfSection(name, ElfSectionType.ProgBits), elf.Order);

    public DwarfCursor At(int offset) => new(Bytes, Order, Name, offset);

    /// <summary>
    /// The number of the relocation at <paramref name="offset"/>, or -1. The search starts at <paramref name="hint"/>, so that
    /// a reader that goes forward finds each in one step.
    /// </summary>
    public int RelocationAt(int offset, ref int hint)
    {
        while (hint < _relocations.Length && _relocations[hint].Offset < (ulong)offset)
        {
            hint++;
        }

        return hint < _relocations.Length && _relocations[hint].Offset == (ulong)offset ? hint : -1;
    }

    /// <summary>The same for a single field anywhere.</summary>
    public int RelocationAt(int offset)
    {
        int low = 0,
            high = _relocations.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var at = _relocations[middle].Offset;
            if (at == (ulong)offset)
            {
                return middle;
            }

            if (at < (ulong)offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }
        return -1;
    }

    /// <summary>The offset in another debug section that a field means: its relocation's, or what stands in it.</summary>
    public int OffsetOf(int relocation, ulong field)
    {
        var value =
            relocation < 0
                ? field
                : unchecked((_relocations[relocation].Symbol?.Value ?? 0) + (ulong)_relocations[relocation].Addend);
        return value <= int.MaxValue ? (int)value : throw new ElfFormatException($"{Name}: a reference to offset 0x{value:x}");
    }

    /// <summary>The place that a relocated address means; null without relocation or where it is defined elsewhere.</summary>
    public SectionLocation? LocationOf(int relocation)
    {
        if (relocation < 0 || _relocations[relocation].Symbol?.Section is not { } section)
        {
            return null;
        }

        var entry = _relocations[relocation];
        return new SectionLocation(section, unchecked(entry.Symbol!.Value + (ulong)entry.Addend));
    }

    /// <summary>
    /// Expands SHF_COMPRESSED (System V gABI, chapter 4, "Section Compression"): ch_type 4, reserved 4, ch_size 8,
    /// ch_addralign 8, then the stream.
    /// </summary>
    private static byte[] Expand(ElfSection section, ElfByteOrder order)
    {
        const int headerSize = 24;
        if (section.Content.Length < headerSize)
        {
            throw new ElfFormatException($"{section.Name}: too small for a compressed section");
        }

        var type = order.ReadUInt32(section.Content);
        if (type != 1)
        {
            throw new ElfFormatException($"{section.Name}: compression type {type} is not zlib");
        }

        var size = order.ReadUInt64(section.Content.AsSpan(8));
        if (size > LargestExpansion * (ulong)section.Content.Length || size > (ulong)Array.MaxLength)
        {
            throw new ElfFormatException($"{section.Name}: expands to impossible 0x{size:x} bytes");
        }

        var bytes = new byte[size];
        try
        {
            using var stream = new ZLibStream(
                new MemoryStream(section.Content, headerSize, section.Content.Length - headerSize),
                CompressionMode.Decompress
            );
            stream.ReadExactly(bytes);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            // IOException covers the early end and zlib's own complaints.
            throw new ElfFormatException($"{section.Name}: {e.Message}");
        }
        return bytes;
    }
}
