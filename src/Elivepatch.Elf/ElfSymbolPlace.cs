namespace Elivepatch.Elf;

/// <summary>Where a symbol is defined: the reserved meanings of <c>st_shndx</c>, or a section.</summary>
public enum ElfSymbolPlace
{
    /// <summary>SHN_UNDEF: defined elsewhere.</summary>
    Undefined,

    /// <summary>In <see cref="ElfSymbol.Section"/>.</summary>
    Section,

    /// <summary>SHN_ABS (0xfff1).</summary>
    Absolute,

    /// <summary>SHN_COMMON (0xfff2).</summary>
    Common,

    /// <summary>SHN_LIVEPATCH (0xff20), <c>include/uapi/linux/elf.h</c>: resolved by the livepatch core.</summary>
    Livepatch,

    /// <summary>Another reserved index, kept in <see cref="ElfSymbol.ReservedIndex"/>.</summary>
    Reserved,
}
