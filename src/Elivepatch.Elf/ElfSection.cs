namespace Elivepatch.Elf;

/// <summary>One section with its content. The kinds that hold references to other parts of the graph are subclasses.</summary>
public class ElfSection(string name, ElfSectionType type)
{
    /// <summary>Section name.</summary>
    public string Name { get; set; } = name;

    /// <summary>Section type, <c>sh_type</c>.</summary>
    public ElfSectionType Type { get; set; } = type;

    /// <summary>Section flags, <c>sh_flags</c>.</summary>
    public ElfSectionFlags Flags { get; set; }

    /// <summary>Address at run time, <c>sh_addr</c>; 0 in relocatable files.</summary>
    public ulong Address { get; set; }

    /// <summary>Alignment in bytes, <c>sh_addralign</c>; 0 and 1 mean none.</summary>
    public ulong Alignment { get; set; } = 1;

    /// <summary>Size of one entry in bytes, <c>sh_entsize</c>; 0 where entries have no fixed size.</summary>
    public ulong EntrySize { get; set; }

    /// <summary>
    /// The section that <c>sh_link</c> names, where that is not one of the tables the writer makes itself;
    /// for SHF_LINK_ORDER the section whose order this one follows.
    /// </summary>
    public ElfSection? Link { get; set; }

    /// <summary>The bytes of the section; empty for <see cref="ElfSectionType.NoBits"/>, relocation and group sections.</summary>
    public byte[] Content { get; set; } = [];

    /// <summary>Size in bytes of a <see cref="ElfSectionType.NoBits"/> section.</summary>
    public ulong NoBitsSize { get; set; }

    /// <summary>Size at run time in bytes.</summary>
    public ulong Size => Type == ElfSectionType.NoBits ? NoBitsSize : (ulong)Content.Length;

    /// <summary>The relocation section of ordinary type that applies to this one, or null.</summary>
    public ElfRelocationSection? Relocations { get; set; }

    /// <summary>True where the section has this flag.</summary>
    public bool Has(ElfSectionFlags flag) => (Flags & flag) == flag;

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>
/// SHT_RELA. An ordinary one is also the target's <see cref="ElfSection.Relocations"/>; a livepatch relocation section
/// (<see cref="ElfSectionFlags.RelaLivepatch"/>) is not.
/// </summary>
public sealed class ElfRelocationSection(string name, ElfSection target) : ElfSection(name, ElfSectionType.Rela)
{
    /// <summary>The section whose bytes are relocated, <c>sh_info</c>.</summary>
    public ElfSection Target { get; set; } = target;

    /// <summary>Relocations in table order.</summary>
    public List<ElfRelocation> Entries { get; } = [];
}

/// <summary>SHT_GROUP: sections that a linker keeps or drops together.</summary>
public sealed class ElfGroupSection(string name) : ElfSection(name, ElfSectionType.Group)
{
    /// <summary>First word of the group; 1 is GRP_COMDAT.</summary>
    public uint GroupFlags { get; set; }

    /// <summary>The symbol that names the group, <c>sh_info</c>.</summary>
    public ElfSymbol? Signature { get; set; }

    /// <summary>Member sections in table order.</summary>
    public List<ElfSection> Members { get; } = [];
}
