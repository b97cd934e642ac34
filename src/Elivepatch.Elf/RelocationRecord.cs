using System.Buffers.Binary;

namespace Elivepatch.Elf;

/// <summary>
/// Elf64_Rela as it lies in the file, little-endian (System V gABI, chapter 4, "Relocation"):
/// <code>0 r_offset 8   8 r_info 8 (symbol index in the upper 32 bits, type in the lower)   16 r_addend 8</code>
/// </summary>
internal readonly record struct RelocationRecord(ulong Offset, uint Type, uint SymbolIndex, long Addend)
{
    public const int Size = 24;

    public static RelocationRecord Read(ReadOnlySpan<byte> record) => new(
        Offset: BinaryPrimitives.ReadUInt64LittleEndian(record),
        Type: BinaryPrimitives.ReadUInt32LittleEndian(record[8..]),
        SymbolIndex: BinaryPrimitives.ReadUInt32LittleEndian(record[12..]),
        Addend: BinaryPrimitives.ReadInt64LittleEndian(record[16..]));

    public void Write(Span<byte> record)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(record, Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], Type);
        BinaryPrimitives.WriteUInt32LittleEndian(record[12..], SymbolIndex);
        BinaryPrimitives.WriteInt64LittleEndian(record[16..], Addend);
    }
}
