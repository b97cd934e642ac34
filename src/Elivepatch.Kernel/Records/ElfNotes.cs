using System.Buffers.Binary;

namespace Elivepatch.Kernel.Records;

/// <summary>
/// The notes of a linked 64-bit little-endian ELF file, by its program headers (gABI, "Program Header"): a kernel or a module has
/// more in it than the model of a relocatable object covers, and only the notes are of interest here.
/// </summary>
internal static class ElfNotes
{
    private const int HeaderSize = 64;
    private const int ProgramHeaderSize = 56;
    private const uint Note = 4;

    // A kernel has one segment of notes with some hundred bytes. Many large ones, one over the other, would take hours to search.
    private const int MostSegments = 16;
    private const int LargestSegment = 64 << 10;

    /// <summary>True for the first bytes of such a file.</summary>
    public static bool IsElf64(ReadOnlySpan<byte> file) =>
        file.Length >= HeaderSize && file[..4].SequenceEqual("\u007fELF"u8) && file[4] == 2 && file[5] == 1;

    /// <summary>The build-id, or null where there is none.</summary>
    public static BuildId? BuildId(ReadOnlySpan<byte> file)
    {
        if (!IsElf64(file))
            return null;
        var table = BinaryPrimitives.ReadUInt64LittleEndian(file[32..]);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(file[56..]);
        var notes = 0;
        for (ulong i = 0; i < count; i++)
        {
            var at = table + (i * ProgramHeaderSize);
            if (at > (ulong)file.Length - ProgramHeaderSize || table > (ulong)file.Length)
                return null;
            var header = file[(int)at..];
            var offset = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
            var size = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
            if (BinaryPrimitives.ReadUInt32LittleEndian(header) != Note)
                continue;
            if (++notes > MostSegments || size > LargestSegment)
                return null;
            if (offset <= (ulong)file.Length && size <= (ulong)file.Length - offset
                && Records.BuildId.Find(file.Slice((int)offset, (int)size)) is { } found)
                return found;
        }
        return null;
    }
}
