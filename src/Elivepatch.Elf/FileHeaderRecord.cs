namespace Elivepatch.Elf;

/// <summary>
/// Elf64_Ehdr as it lies in the file, in its byte order (System V gABI, chapter 4, "ELF Header"):
/// <code>
///  0 e_ident: 7f 'E' 'L' 'F', class, data, version, OS ABI, ABI version, 7 bytes of padding
/// 16 e_type 2   18 e_machine 2   20 e_version 4   24 e_entry 8   32 e_phoff 8   40 e_shoff 8   48 e_flags 4
/// 52 e_ehsize 2   54 e_phentsize 2   56 e_phnum 2   58 e_shentsize 2   60 e_shnum 2   62 e_shstrndx 2
/// </code>
/// </summary>
internal readonly record struct FileHeaderRecord(
    ElfByteOrder Order,
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
    ushort SectionNamesIndex
)
{
    public const int Size = 64;

    /// <summary>e_ident up to its class: magic, ELFCLASS64. The byte order and EV_CURRENT follow.</summary>
    private static ReadOnlySpan<byte> Identification => [0x7f, (byte)'E', (byte)'L', (byte)'F', 2];

    public static FileHeaderRecord Read(ReadOnlySpan<byte> file)
    {
        if (file.Length < Size || !file.StartsWith(Identification[..4]))
        {
            throw new ElfFormatException("file header: not an ELF file");
        }

        if (!file.StartsWith(Identification) || file[5] is not (1 or 2) || file[6] != 1)
        {
            throw new ElfFormatException("file header: not a 64-bit ELF file of version 1");
        }

        var order = (ElfByteOrder)file[5];
        var version = order.ReadUInt32(file[20..]);
        if (version != 1)
        {
            throw new ElfFormatException($"file header: e_version is {version}, not 1");
        }

        var size = order.ReadUInt16(file[52..]);
        if (size != Size)
        {
            throw new ElfFormatException($"file header: e_ehsize is {size}, not {Size}");
        }

        return new FileHeaderRecord(
            Order: order,
            OsAbi: file[7],
            AbiVersion: file[8],
            Type: order.ReadUInt16(file[16..]),
            Machine: order.ReadUInt16(file[18..]),
            Entry: order.ReadUInt64(file[24..]),
            ProgramHeaderOffset: order.ReadUInt64(file[32..]),
            SectionHeaderOffset: order.ReadUInt64(file[40..]),
            Flags: order.ReadUInt32(file[48..]),
            ProgramHeaderSize: order.ReadUInt16(file[54..]),
            ProgramHeaderCount: order.ReadUInt16(file[56..]),
            SectionHeaderSize: order.ReadUInt16(file[58..]),
            SectionCount: order.ReadUInt16(file[60..]),
            SectionNamesIndex: order.ReadUInt16(file[62..])
        );
    }

    public void Write(Span<byte> file)
    {
        var order = Order;
        Identification.CopyTo(file);
        file[5] = (byte)order;
        file[6] = 1;
        file[7] = OsAbi;
        file[8] = AbiVersion;
        order.WriteUInt16(file[16..], Type);
        order.WriteUInt16(file[18..], Machine);
        order.WriteUInt32(file[20..], 1);
        order.WriteUInt64(file[24..], Entry);
        order.WriteUInt64(file[32..], ProgramHeaderOffset);
        order.WriteUInt64(file[40..], SectionHeaderOffset);
        order.WriteUInt32(file[48..], Flags);
        order.WriteUInt16(file[52..], Size);
        order.WriteUInt16(file[54..], ProgramHeaderSize);
        order.WriteUInt16(file[56..], ProgramHeaderCount);
        order.WriteUInt16(file[58..], SectionHeaderSize);
        order.WriteUInt16(file[60..], SectionCount);
        order.WriteUInt16(file[62..], SectionNamesIndex);
    }
}
