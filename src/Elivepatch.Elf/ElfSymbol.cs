namespace Elivepatch.Elf;

/// <summary>One symbol.</summary>
public sealed class ElfSymbol(string name)
{
    /// <summary>Symbol name; empty for section symbols.</summary>
    public string Name { get; set; } = name;

    /// <summary>Binding.</summary>
    public ElfSymbolBinding Binding { get; set; }

    /// <summary>Type.</summary>
    public ElfSymbolType Type { get; set; }

    /// <summary><c>st_other</c>: visibility in the low two bits.</summary>
    public byte Other { get; set; }

    /// <summary>Where the symbol is defined.</summary>
    public ElfSymbolPlace Place { get; set; }

    /// <summary>The defining section when <see cref="Place"/> is <see cref="ElfSymbolPlace.Section"/>, else null.</summary>
    public ElfSection? Section { get; set; }

    /// <summary>Offset in the section in bytes (relocatable file), address (image), or the absolute value.</summary>
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

/// <summary>One relocation with addend.</summary>
public sealed class ElfRelocation(ulong offset, X8664Relocation type, ElfSymbol? symbol, long addend)
{
    /// <summary>Offset of the field in the target section, in bytes.</summary>
    public ulong Offset { get; set; } = offset;

    /// <summary>Relocation type.</summary>
    public X8664Relocation Type { get; set; } = type;

    /// <summary>The symbol referred to; null for the null symbol (index 0).</summary>
    public ElfSymbol? Symbol { get; set; } = symbol;

    /// <summary>Addend.</summary>
    public long Addend { get; set; } = addend;

    /// <inheritdoc/>
    public override string ToString() => $"{Type} at 0x{Offset:x}: {Symbol}{Addend:+0;-0;+0}";
}
