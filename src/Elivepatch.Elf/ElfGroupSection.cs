namespace Elivepatch.Elf;

/// <summary>SHT_GROUP: sections that a linker keeps or drops together.</summary>
public sealed class ElfGroupSection : ElfSection
{
    /// <summary>An empty group with the alignment and entry size that an assembler gives it.</summary>
    public ElfGroupSection(string name)
        : base(name, ElfSectionType.Group)
    {
        Alignment = 4;
        EntrySize = sizeof(uint);
    }

    /// <summary>First word of the group; 1 is GRP_COMDAT.</summary>
    public uint GroupFlags { get; set; }

    /// <summary>The symbol that names the group, <c>sh_info</c>; null for the null symbol.</summary>
    public ElfSymbol? Signature { get; set; }

    /// <summary>Member sections in table order, relocation sections among them.</summary>
    public List<ElfSection> Members { get; } = [];
}
