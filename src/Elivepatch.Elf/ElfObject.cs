namespace Elivepatch.Elf;

/// <summary>
/// A 64-bit ELF file as a graph: relocations refer to symbols, symbols to sections. No index of any table
/// appears here; indexes exist only inside <see cref="ElfReader"/> and <see cref="ElfWriter"/>.
/// </summary>
public sealed class ElfObject
{
    /// <summary>File type, <c>e_type</c>.</summary>
    public ElfFileType FileType { get; set; } = ElfFileType.Relocatable;

    /// <summary>Byte order of its numbers, <c>e_ident[EI_DATA]</c>.</summary>
    public ElfByteOrder Order { get; set; } = ElfByteOrder.LittleEndian;

    /// <summary>The processor that it is for, <c>e_machine</c>.</summary>
    public ushort Machine { get; set; }

    /// <summary><c>e_ident[EI_OSABI]</c>.</summary>
    public byte OsAbi { get; set; }

    /// <summary><c>e_ident[EI_ABIVERSION]</c>.</summary>
    public byte AbiVersion { get; set; }

    /// <summary><c>e_flags</c>.</summary>
    public uint Flags { get; set; }

    /// <summary>Entry point, <c>e_entry</c>; 0 in relocatable files.</summary>
    public ulong Entry { get; set; }

    /// <summary>
    /// Length in bytes of the ELF file that was read; 0 for an object made in memory. Where the input is longer, what
    /// follows is not ELF: a kernel module carries its signature there.
    /// </summary>
    public int FileLength { get; set; }

    /// <summary>
    /// Sections in file order, without the null section and without the tables that exist only to hold names and
    /// indexes (symbol table, its extended index table, its string table, section name table): the writer makes these anew.
    /// </summary>
    public List<ElfSection> Sections { get; } = [];

    /// <summary>
    /// Symbols in table order, without the null symbol. Locals precede the others; the writer keeps the order within both.
    /// </summary>
    public List<ElfSymbol> Symbols { get; } = [];

    /// <summary>The first section with this name, or null.</summary>
    public ElfSection? FindSection(string name) => Sections.Find(s => s.Name == name);

    /// <summary>The first symbol with this name, or null.</summary>
    public ElfSymbol? FindSymbol(string name) => Symbols.Find(s => s.Name == name);

    /// <summary>All relocation sections of this object.</summary>
    public IEnumerable<ElfRelocationSection> RelocationSections => Sections.OfType<ElfRelocationSection>();
}
