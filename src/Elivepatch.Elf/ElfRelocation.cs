namespace Elivepatch.Elf;

/// <summary>One relocation with addend.</summary>
public sealed class ElfRelocation(ulong offset, uint type, ElfSymbol? symbol, long addend)
{
    /// <summary>Offset of the field in the target section, in bytes.</summary>
    public ulong Offset { get; set; } = offset;

    /// <summary>Relocation type, as the processor's psABI numbers them.</summary>
    public uint Type { get; set; } = type;

    /// <summary>The symbol referred to; null for the null symbol (index 0).</summary>
    public ElfSymbol? Symbol { get; set; } = symbol;

    /// <summary>Addend.</summary>
    public long Addend { get; set; } = addend;

    /// <inheritdoc/>
    public override string ToString() => $"type {Type} at 0x{Offset:x}: {Symbol}{Addend:+0;-0;+0}";
}
