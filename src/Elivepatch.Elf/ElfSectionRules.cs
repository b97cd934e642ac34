namespace Elivepatch.Elf;

/// <summary>What a section of the model must be for a relocatable file to hold it. The reader gives no other.</summary>
internal static class ElfSectionRules
{
    /// <exception cref="ElfFormatException">The section contradicts itself.</exception>
    public static void Check(ElfSection section)
    {
        if ((section.Alignment & (section.Alignment - 1)) != 0)
        {
            throw Malformed(section, $"alignment 0x{section.Alignment:x} is not a power of two");
        }

        switch (section)
        {
            case ElfRelocationSection rela:
                if (section.Type != ElfSectionType.Rela || section.EntrySize != RelocationRecord.Size)
                {
                    throw Malformed(section, "relocations of another type or entry size");
                }

                if (rela.Target is null or ElfRelocationSection or ElfGroupSection)
                {
                    throw Malformed(section, "relocations of a section without content");
                }

                break;
            case ElfGroupSection:
                if (section.Type != ElfSectionType.Group || section.EntrySize != sizeof(uint))
                {
                    throw Malformed(section, "a group of another type or entry size");
                }

                break;
            default:
                if (
                    section.Type
                    is ElfSectionType.Rela
                        or ElfSectionType.Rel
                        or ElfSectionType.Group
                        or ElfSectionType.SymbolTable
                        or ElfSectionType.SymbolTableIndexes
                )
                {
                    throw Malformed(section, $"{section.Type} holds indexes and cannot be plain bytes");
                }
                break;
        }
        var hasBytes = section.Content.Length > 0;
        if (
            hasBytes
            && (
                section is ElfRelocationSection or ElfGroupSection || section.Type is ElfSectionType.NoBits or ElfSectionType.Null
            )
        )
        {
            throw Malformed(section, "content in a section that has none in a file");
        }

        if (section.LinkedTable != ElfTable.None && section.Link is not null)
        {
            throw Malformed(section, "linked to a table and to a section");
        }

        var infoNamesSection = section is not (ElfRelocationSection or ElfGroupSection) && section.Has(ElfSectionFlags.InfoLink);
        if (section.Info != 0 && (infoNamesSection || section is ElfRelocationSection or ElfGroupSection))
        {
            throw Malformed(section, "a number where sh_info names a section or a symbol");
        }

        if (section.InfoSection is not null && !infoNamesSection)
        {
            throw Malformed(section, "a section in sh_info without SHF_INFO_LINK");
        }
    }

    /// <summary>
    /// How many bytes of a section in a relocatable file a relocation can reach. In a compressed section the offsets count
    /// in what it expands to, whose size is not looked at here.
    /// </summary>
    public static ulong RelocatableSize(ElfSection target) =>
        target.Has(ElfSectionFlags.Compressed) ? ulong.MaxValue : (ulong)target.Content.Length;

    private static ElfFormatException Malformed(ElfSection section, string what) => new($"section {section.Name}: {what}");
}
