using System.Buffers.Binary;

namespace Elivepatch.Elf;

/// <summary>
/// The byte order of a file's numbers, <c>e_ident[EI_DATA]</c> (System V gABI, chapter 4, "ELF Identification").
/// </summary>
public enum ElfByteOrder : byte
{
    /// <summary>ELFDATA2LSB.</summary>
    LittleEndian = 1,

    /// <summary>ELFDATA2MSB.</summary>
    BigEndian = 2,
}

/// <summary>Reads and writes numbers at the beginning of bytes, in a byte order.</summary>
public static class ElfNumbers
{
    /// <summary>Reads 2 bytes.</summary>
    public static ushort ReadUInt16(this ElfByteOrder order, ReadOnlySpan<byte> bytes) =>
        order == ElfByteOrder.BigEndian
            ? BinaryPrimitives.ReadUInt16BigEndian(bytes)
            : BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    /// <summary>Reads 4 bytes.</summary>
    public static uint ReadUInt32(this ElfByteOrder order, ReadOnlySpan<byte> bytes) =>
        order == ElfByteOrder.BigEndian
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes)
            : BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    /// <summary>Reads 8 bytes.</summary>
    public static ulong ReadUInt64(this ElfByteOrder order, ReadOnlySpan<byte> bytes) =>
        order == ElfByteOrder.BigEndian
            ? BinaryPrimitives.ReadUInt64BigEndian(bytes)
            : BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    /// <summary>Writes 2 bytes.</summary>
    public static void WriteUInt16(this ElfByteOrder order, Span<byte> bytes, ushort value)
    {
        if (order == ElfByteOrder.BigEndian)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        }
    }

    /// <summary>Writes 4 bytes.</summary>
    public static void WriteUInt32(this ElfByteOrder order, Span<byte> bytes, uint value)
    {
        if (order == ElfByteOrder.BigEndian)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        }
    }

    /// <summary>Writes 8 bytes.</summary>
    public static void WriteUInt64(this ElfByteOrder order, Span<byte> bytes, ulong value)
    {
        if (order == ElfByteOrder.BigEndian)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        }
    }
}
