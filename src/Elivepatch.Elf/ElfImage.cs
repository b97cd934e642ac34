namespace Elivepatch.Elf;

/// <summary>Kind of a segment, <c>p_type</c> (System V gABI, chapter 5, "Program Header").</summary>
public enum ElfSegmentType : uint
{
    /// <summary>PT_LOAD: bytes that are mapped into memory.</summary>
    Load = 1,

    /// <summary>PT_INTERP: the name of the program that loads this one.</summary>
    Interpreter = 3,

    /// <summary>PT_NOTE: notes; see <see cref="ElfNotes"/>.</summary>
    Note = 4,
}

/// <summary>A part of a linked file.</summary>
/// <param name="Type">What it is for.</param>
/// <param name="Offset">Where it begins in the file, in bytes; may lie behind its end.</param>
/// <param name="Size">Its size in the file in bytes.</param>
public readonly record struct ElfSegment(ElfSegmentType Type, ulong Offset, ulong Size);

/// <summary>
/// How a linked 64-bit file is loaded, in either byte order: a kernel, a program. Of Elf64_Phdr, 56 bytes each from e_phoff on,
/// it has <code>
///  0 p_type 4   4 p_flags 4   8 p_offset 8   16 p_vaddr 8   24 p_paddr 8   32 p_filesz 8   40 p_memsz 8   48 p_align 8
/// </code>
/// type, offset and size in the file (System V gABI, chapter 5, "Program Header").
/// </summary>
/// <param name="Order">The byte order of its numbers, from e_ident.</param>
/// <param name="Machine">The processor, <c>e_machine</c>.</param>
/// <param name="Segments">Its segments, in the order of their headers.</param>
public sealed record ElfImage(ElfByteOrder Order, ushort Machine, IReadOnlyList<ElfSegment> Segments)
{
    private const int HeaderSize = 64;
    private const int SegmentHeaderSize = 56;

    /// <summary>True for the first bytes of a 64-bit ELF file of either byte order.</summary>
    public static bool IsImage(ReadOnlySpan<byte> file) =>
        file.Length >= HeaderSize && file.StartsWith("\u007fELF\u0002"u8) && file[5] is 1 or 2;

    /// <summary>
    /// Reads the program headers; null where the file is no such file, has none, or has not all that its header says.
    /// </summary>
    public static ElfImage? Read(ReadOnlySpan<byte> file)
    {
        if (!IsImage(file))
        {
            return null;
        }

        var order = (ElfByteOrder)file[5];
        var start = order.ReadUInt64(file[32..]);
        var count = order.ReadUInt16(file[56..]);
        if (
            count == 0
            || order.ReadUInt16(file[54..]) != SegmentHeaderSize
            || start > (ulong)file.Length
            || (ulong)count * SegmentHeaderSize > (ulong)file.Length - start
        )
        {
            return null;
        }

        var segments = new ElfSegment[count];
        for (var i = 0; i < count; i++)
        {
            var header = file.Slice((int)start + (i * SegmentHeaderSize), SegmentHeaderSize);
            segments[i] = new(
                (ElfSegmentType)order.ReadUInt32(header),
                order.ReadUInt64(header[8..]),
                order.ReadUInt64(header[32..])
            );
        }

        return new ElfImage(order, order.ReadUInt16(file[18..]), segments);
    }

    /// <summary>The bytes of a segment; empty where they are not all in the file.</summary>
    public static ReadOnlySpan<byte> ContentOf(ReadOnlySpan<byte> file, ElfSegment segment) =>
        segment.Offset <= (ulong)file.Length && segment.Size <= (ulong)file.Length - segment.Offset
            ? file.Slice((int)segment.Offset, (int)segment.Size)
            : [];
}
