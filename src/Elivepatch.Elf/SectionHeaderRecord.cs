namespace Elivepatch.Elf;

/// <summary>
/// Elf64_Shdr as it lies in the file, in its byte order (System V gABI, chapter 4, "Section Header"):
/// <code>
///  0 sh_name 4   4 sh_type 4   8 sh_flags 8   16 sh_addr 8   24 sh_offset 8   32 sh_size 8
/// 40 sh_link 4  44 sh_info 4  48 sh_addralign 8   56 sh_entsize 8
/// </code>
/// </summary>
internal readonly record struct SectionHeaderRecord(
    uint Name,
    ElfSectionType Type,
    ElfSectionFlags Flags,
    ulong Address,
    ulong Offset,
    ulong Size,
    uint Link,
    uint Info,
    ulong Alignment,
    ulong EntrySize
)
{
    public const int RecordSize = 64;

    public static SectionHeaderRecord Read(ReadOnlySpan<byte> record, ElfByteOrder order) =>
        new(
            Name: order.ReadUInt32(record),
            Type: (ElfSectionType)order.ReadUInt32(record[4..]),
            Flags: (ElfSectionFlags)order.ReadUInt64(record[8..]),
            Address: order.ReadUInt64(record[16..]),
            Offset: order.ReadUInt64(record[24..]),
            Size: order.ReadUInt64(record[32..]),
            Link: order.ReadUInt32(record[40..]),
            Info: order.ReadUInt32(record[44..]),
            Alignment: order.ReadUInt64(record[48..]),
            EntrySize: order.ReadUInt64(record[56..])
        );

    public void Write(Span<byte> record, ElfByteOrder order)
    {
        order.WriteUInt32(record, Name);
        order.WriteUInt32(record[4..], (uint)Type);
        order.WriteUInt64(record[8..], (ulong)Flags);
        order.WriteUInt64(record[16..], Address);
        order.WriteUInt64(record[24..], Offset);
        order.WriteUInt64(record[32..], Size);
        order.WriteUInt32(record[40..], Link);
        order.WriteUInt32(record[44..], Info);
        order.WriteUInt64(record[48..], Alignment);
        order.WriteUInt64(record[56..], EntrySize);
    }
}
