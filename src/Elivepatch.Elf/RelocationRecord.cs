namespace Elivepatch.Elf;

/// <summary>
/// Elf64_Rela as it lies in the file, in its byte order (System V gABI, chapter 4, "Relocation"):
/// <code>0 r_offset 8   8 r_info 8 (symbol index in the upper 32 bits, type in the lower)   16 r_addend 8</code>
/// </summary>
internal readonly record struct RelocationRecord(ulong Offset, uint Type, uint SymbolIndex, long Addend)
{
    public const int Size = 24;

    public static RelocationRecord Read(ReadOnlySpan<byte> record, ElfByteOrder order)
    {
        var info = order.ReadUInt64(record[8..]);
        return new(order.ReadUInt64(record), (uint)info, (uint)(info >> 32), (long)order.ReadUInt64(record[16..]));
    }

    public void Write(Span<byte> record, ElfByteOrder order)
    {
        order.WriteUInt64(record, Offset);
        order.WriteUInt64(record[8..], ((ulong)SymbolIndex << 32) | Type);
        order.WriteUInt64(record[16..], (ulong)Addend);
    }
}
