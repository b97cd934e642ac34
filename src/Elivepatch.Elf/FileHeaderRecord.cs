using System.Buffers.Binary;

namespace Elivepatch.Elf;

/// <summary>
/// Elf64_Ehdr as it lies in the file, little-endian (System V gABI, chapter 4, "ELF Header"):
/// <code>
///  0 e_ident: 7f 'E' 'L' 'F', class, data, version, OS ABI, ABI version, 7 bytes of padding
/// 16 e_type 2   18 e_machine 2   20 e_version 4   24 e_entry 8   32 e_phoff 8   40 e_shoff 8   48 e_flags 4
/// 52 e_ehsize 2   54 e_phentsize 2   56 e_phnum 2   58 e_shentsize 2   60 e_shnum 2   62 e_shstrndx 2
/// </code>
/// </summary>
internal readonly record struct FileHeaderRecord(
    byte OsAbi,
    byte AbiVersion,
    ushort Type,
    ushort Machine,
    ulong Entry,
    ulong ProgramHeaderOffset,
    ulong SectionHeaderOffset,
    uint Flags,
    ushort ProgramHeaderSize,
    ushort ProgramHeaderCount,
    ushort SectionHeaderSize,
    ushort SectionCount,
    ushort SectionNamesIndex)
{
    public const int Size = 64;

    /// <summary>e_ident up to its version: magic, ELFCLASS64, ELFDATA2LSB, EV_CURRENT.</summary>
    private static ReadOnlySpan<byte> Identification => [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1];

    public static FileHeaderRecord Read(ReadOnlySpan<byte> file)
    {
        if (file.Length < Size || !file.StartsWith(Identification[..4]))
            throw new ElfFormatException("file header: not an ELF file");
        if (!file.StartsWith(Identification))
            throw new ElfFormatException("file header: not a 64-bit little-endian ELF file of version 1");
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(file[20..]);
        if (version != 1)
            throw new ElfFormatException($"file header: e_version is {version}, not 1");
        ushort size = BinaryPrimitives.ReadUInt16LittleEndian(file[52..]);
        if (size != Size)
            throw new ElfFormatException($"file header: e_ehsize is {size}, not {Size}");
        return new FileHeaderRecord(
            OsAbi: file[7],
            AbiVersion: file[8],
            Type: BinaryPrimitives.ReadUInt16LittleEndian(file[16..]),
            Machine: BinaryPrimitives.ReadUInt16LittleEndian(file[18..]),
            Entry: BinaryPrimitives.ReadUInt64LittleEndian(file[24..]),
            ProgramHeaderOffset: BinaryPrimitives.ReadUInt64LittleEndian(file[32..]),
            SectionHeaderOffset: BinaryPrimitives.ReadUInt64LittleEndian(file[40..]),
            Flags: BinaryPrimitives.ReadUInt32LittleEndian(file[48..]),
            ProgramHeaderSize: BinaryPrimitives.ReadUInt16LittleEndian(file[54..]),
            ProgramHeaderCount: BinaryPrimitives.ReadUInt16LittleEndian(file[56..]),
            SectionHeaderSize: BinaryPrimitives.ReadUInt16LittleEndian(file[58..]),
            SectionCount: BinaryPrimitives.ReadUInt16LittleEndian(file[60..]),
            SectionNamesIndex: BinaryPrimitives.ReadUInt16LittleEndian(file[62..]));
    }

    public void Write(Span<byte> file)
    {
        Identification.CopyTo(file);
        file[7] = OsAbi;
        file[8] = AbiVersion;
        BinaryPrimitives.WriteUInt16LittleEndian(file[16..], Type);
        BinaryPrimitives.WriteUInt16LittleEndian(file[18..], Machine);
        BinaryPrimitives.WriteUInt32LittleEndian(file[20..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(file[24..], Entry);
        BinaryPrimitives.WriteUInt64LittleEndian(file[32..], ProgramHeaderOffset);
        BinaryPrimitives.WriteUInt64LittleEndian(file[40..], SectionHeaderOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(file[48..], Flags);
        BinaryPrimitives.WriteUInt16LittleEndian(file[52..], Size);
        BinaryPrimitives.WriteUInt16LittleEndian(file[54..], ProgramHeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(file[56..], ProgramHeaderCount);
        BinaryPrimitives.WriteUInt16LittleEndian(file[58..], SectionHeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(file[60..], SectionCount);
        BinaryPrimitives.WriteUInt16LittleEndian(file[62..], SectionNamesIndex);
    }
}
