namespace Elivepatch.Elf;

/// <summary>The reserved section indexes (System V gABI, chapter 4; SHN_LIVEPATCH: <c>include/uapi/linux/elf.h</c>).</summary>
internal static class SectionIndexes
{
    /// <summary>SHN_UNDEF.</summary>
    public const ushort Undefined = 0;

    /// <summary>SHN_LORESERVE: the first value of a 16-bit field that is no index of a section.</summary>
    public const ushort FirstReserved = 0xff00;

    /// <summary>SHN_LIVEPATCH.</summary>
    public const ushort Livepatch = 0xff20;

    /// <summary>SHN_ABS.</summary>
    public const ushort Absolute = 0xfff1;

    /// <summary>SHN_COMMON.</summary>
    public const ushort Common = 0xfff2;

    /// <summary>SHN_XINDEX: the index does not fit and stands elsewhere.</summary>
    public const ushort Extended = 0xffff;
}
