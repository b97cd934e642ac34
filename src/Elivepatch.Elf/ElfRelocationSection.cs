namespace Elivepatch.Elf;

/// <summary>
/// SHT_RELA. An ordinary one is also the target's <see cref="ElfSection.Relocations"/>; a livepatch relocation section
/// (<see cref="ElfSectionFlags.RelaLivepatch"/>) is not.
/// </summary>
public sealed class ElfRelocationSection : ElfSection
{
    /// <summary>An empty relocation section with the alignment, entry size and flag that an assembler gives it.</summary>
    public ElfRelocationSection(string name, ElfSection target)
        : base(name, ElfSectionType.Rela)
    {
        Target = target;
        Flags = ElfSectionFlags.InfoLink;
        Alignment = 8;
        EntrySize = RelocationRecord.Size;
    }

    /// <summary>The section whose bytes are relocated, <c>sh_info</c>.</summary>
    public ElfSection Target { get; set; }

    /// <summary>Relocations in table order.</summary>
    public List<ElfRelocation> Entries { get; } = [];
}
