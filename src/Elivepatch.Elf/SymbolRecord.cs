namespace Elivepatch.Elf;

/// <summary>
/// Elf64_Sym as it lies in the file, in its byte order (System V gABI, chapter 4, "Symbol Table"):
/// <code>
/// 0 st_name 4   4 st_info 1 (binding in the upper four bits, type in the lower)   5 st_other 1   6 st_shndx 2
/// 8 st_value 8   16 st_size 8
/// </code>
/// </summary>
internal readonly record struct SymbolRecord(uint Name, byte Info, byte Other, ushort SectionIndex, ulong Value, ulong ObjectSize)
{
    public const int Size = 24;

    public static SymbolRecord Read(ReadOnlySpan<byte> record, ElfByteOrder order) =>
        new(
            Name: order.ReadUInt32(record),
            Info: record[4],
            Other: record[5],
            SectionIndex: order.ReadUInt16(record[6..]),
            Value: order.ReadUInt64(record[8..]),
            ObjectSize: order.ReadUInt64(record[16..])
        );

    public void Write(Span<byte> record, ElfByteOrder order)
    {
        order.WriteUInt32(record, Name);
        record[4] = Info;
        record[5] = Other;
        order.WriteUInt16(record[6..], SectionIndex);
        order.WriteUInt64(record[8..], Value);
        order.WriteUInt64(record[16..], ObjectSize);
    }
}
