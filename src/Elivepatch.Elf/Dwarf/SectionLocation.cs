namespace Elivepatch.Elf.Dwarf;

/// <summary>A place in a section: offset in bytes from its start.</summary>
public readonly record struct SectionLocation(ElfSection Section, ulong Offset)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Section.Name}+0x{Offset:x}";
}
