namespace Elivepatch.Elf;

/// <summary>One symbol (System V gABI, chapter 4, "Symbol Table").</summary>
public sealed class ElfSymbol(string name)
{
    /// <summary>Symbol name, one character for each byte of the file (Latin-1); empty for section symbols.</summary>
    public string Name { get; set; } = name;

    /// <summary>Binding. Values without a name are legal and kept.</summary>
    public ElfSymbolBinding Binding { get; set; }

    /// <summary>Type. Values without a name are legal and kept.</summary>
    public ElfSymbolType Type { get; set; }

    /// <summary><c>st_other</c>: visibility in the low two bits.</summary>
    public byte Other { get; set; }

    /// <summary>Where the symbol is defined.</summary>
    public ElfSymbolPlace Place { get; set; }

    /// <summary>The defining section when <see cref="Place"/> is <see cref="ElfSymbolPlace.Section"/>, else null.</summary>
    public ElfSection? Section { get; set; }

    /// <summary>
    /// <c>st_shndx</c> when <see cref="Place"/> is <see cref="ElfSymbolPlace.Reserved"/>: a value from 0xff00 to 0xfffe
    /// that has no name of its own here. Else 0.
    /// </summary>
    public ushort ReservedIndex { get; set; }

    /// <summary>
    /// Offset in the section in bytes (relocatable file), address (image), the absolute value, or the alignment of a
    /// common symbol. May lie outside the section: an assembler can define such a symbol.
    /// </summary>
    public ulong Value { get; set; }

    /// <summary>Size of the object in bytes; 0 where unknown.</summary>
    public ulong Size { get; set; }

    /// <summary>True for a symbol that this file defines in a section.</summary>
    public bool IsDefined => Place == ElfSymbolPlace.Section;

    /// <summary>True for STT_FUNC.</summary>
    public bool IsFunction => Type == ElfSymbolType.Function;

    /// <summary>True for STT_SECTION.</summary>
    public bool IsSectionSymbol => Type == ElfSymbolType.Section;

    /// <inheritdoc/>
    public override string ToString() => Name.Length > 0 ? Name : Section?.Name ?? "(unnamed)";
}
