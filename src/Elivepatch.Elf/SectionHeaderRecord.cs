using System.Buffers.Binary;

namespace Elivepatch.Elf;

/// <summary>
/// Elf64_Shdr as it lies in the file, little-endian (System V gABI, chapter 4, "Section Header"):
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
    ulong EntrySize)
{
    public const int RecordSize = 64;

    public static SectionHeaderRecord Read(ReadOnlySpan<byte> record) => new(
        Name: BinaryPrimitives.ReadUInt32LittleEndian(record),
        Type: (ElfSectionType)BinaryPrimitives.ReadUInt32LittleEndian(record[4..]),
        Flags: (ElfSectionFlags)BinaryPrimitives.ReadUInt64LittleEndian(record[8..]),
        Address: BinaryPrimitives.ReadUInt64LittleEndian(record[16..]),
        Offset: BinaryPrimitives.ReadUInt64LittleEndian(record[24..]),
        Size: BinaryPrimitives.ReadUInt64LittleEndian(record[32..]),
        Link: BinaryPrimitives.ReadUInt32LittleEndian(record[40..]),
        Info: BinaryPrimitives.ReadUInt32LittleEndian(record[44..]),
        Alignment: BinaryPrimitives.ReadUInt64LittleEndian(record[48..]),
        EntrySize: BinaryPrimitives.ReadUInt64LittleEndian(record[56..]));

    public void Write(Span<byte> record)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(record, Name);
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], (uint)Type);
        BinaryPrimitives.WriteUInt64LittleEndian(record[8..], (ulong)Flags);
        BinaryPrimitives.WriteUInt64LittleEndian(record[16..], Address);
        BinaryPrimitives.WriteUInt64LittleEndian(record[24..], Offset);
        BinaryPrimitives.WriteUInt64LittleEndian(record[32..], Size);
        BinaryPrimitives.WriteUInt32LittleEndian(record[40..], Link);
        BinaryPrimitives.WriteUInt32LittleEndian(record[44..], Info);
        BinaryPrimitives.WriteUInt64LittleEndian(record[48..], Alignment);
        BinaryPrimitives.WriteUInt64LittleEndian(record[56..], EntrySize);
    }
}
