namespace Elivepatch.Elf;

/// <summary>One section with its content. The kinds that hold references to other parts of the graph are subclasses.</summary>
public class ElfSection(string name, ElfSectionType type)
{
    /// <summary>Section name, one character for each byte of the file (Latin-1). Several sections may share one.</summary>
    public string Name { get; set; } = name;

    /// <summary>Section type, <c>sh_type</c>.</summary>
    public ElfSectionType Type { get; set; } = type;

    /// <summary>Section flags, <c>sh_flags</c>.</summary>
    public ElfSectionFlags Flags { get; set; }

    /// <summary>Address at run time, <c>sh_addr</c>; 0 in relocatable files.</summary>
    public ulong Address { get; set; }

    /// <summary>Alignment in bytes, <c>sh_addralign</c>; 0 and 1 mean none, else a power of two.</summary>
    public ulong Alignment { get; set; } = 1;

    /// <summary>Size of one entry in bytes, <c>sh_entsize</c>; 0 where entries have no fixed size.</summary>
    public ulong EntrySize { get; set; }

    /// <summary>
    /// The section that <c>sh_link</c> names, where that is not one of the tables the writer makes itself;
    /// for SHF_LINK_ORDER the section whose order this one follows.
    /// </summary>
    public ElfSection? Link { get; set; }

    /// <summary>
    /// The table that <c>sh_link</c> names, where it is one that the writer makes. <see cref="ElfTable.None"/> for
    /// relocation and group sections, whose link to the symbol table goes without saying.
    /// </summary>
    public ElfTable LinkedTable { get; set; }

    /// <summary>
    /// The section that <c>sh_info</c> names under <see cref="ElfSectionFlags.InfoLink"/>; null in relocation sections, which
    /// have <see cref="ElfRelocationSection.Target"/>.
    /// </summary>
    public ElfSection? InfoSection { get; set; }

    /// <summary><c>sh_info</c> where it names neither a section nor a symbol.</summary>
    public uint Info { get; set; }

    /// <summary>The bytes of the section; empty for <see cref="ElfSectionType.NoBits"/>, relocation and group sections.</summary>
    public byte[] Content { get; set; } = [];

    /// <summary>Size in bytes of a <see cref="ElfSectionType.NoBits"/> section.</summary>
    public ulong NoBitsSize { get; set; }

    /// <summary>Size at run time in bytes.</summary>
    public ulong Size => Type == ElfSectionType.NoBits ? NoBitsSize : (ulong)Content.Length;

    /// <summary>
    /// The relocation section of ordinary type that applies to this one, or null. Where a file has several, the first;
    /// all of them are among <see cref="ElfObject.Sections"/>.
    /// </summary>
    public ElfRelocationSection? Relocations { get; set; }

    /// <summary>True where the section has this flag.</summary>
    public bool Has(ElfSectionFlags flag) => (Flags & flag) == flag;

    /// <inheritdoc/>
    public override string ToString() => Name;
}
