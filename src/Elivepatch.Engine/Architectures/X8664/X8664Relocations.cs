namespace Elivepatch.Engine.Architectures.X8664;

/// <summary>The relocation types of the x86-64 psABI, section 4.4, table "Relocation Types".</summary>
internal static class X8664Relocations
{
    /// <summary>S + A, 8 bytes.</summary>
    public static RelocationType Absolute64 { get; } = Known(1, "R_X86_64_64", 8);

    /// <summary>S + A - P, 4 bytes.</summary>
    public static RelocationType Pc32 { get; } = Known(2, "R_X86_64_PC32", 4) with { IsPcRelative = true, IsSigned = true };

    /// <summary>L + A - P, 4 bytes; in a kernel the same as PC32.</summary>
    public static RelocationType Plt32 { get; } = Known(4, "R_X86_64_PLT32", 4) with { IsPcRelative = true, IsSigned = true };

    /// <summary>S + A, 4 bytes, zero-extended.</summary>
    public static RelocationType Absolute32 { get; } = Known(10, "R_X86_64_32", 4);

    /// <summary>S + A, 4 bytes, sign-extended.</summary>
    public static RelocationType Absolute32Signed { get; } = Known(11, "R_X86_64_32S", 4) with { IsSigned = true };

    /// <summary>S + A - P, 8 bytes.</summary>
    public static RelocationType Pc64 { get; } = Known(24, "R_X86_64_PC64", 8) with { IsPcRelative = true };

    /// <summary>All; of those that no kernel object has, only the size is said.</summary>
    public static IReadOnlyList<RelocationType> All { get; } =
    [
        new(0, "R_X86_64_NONE") { IsNone = true },
        Absolute64,
        Pc32,
        Other(3, "GOT32", 4),
        Plt32,
        Other(6, "GLOB_DAT", 8),
        Other(7, "JUMP_SLOT", 8),
        Other(8, "RELATIVE", 8),
        Other(9, "GOTPCREL", 4),
        Absolute32,
        Absolute32Signed,
        Other(12, "16", 2),
        Other(13, "PC16", 2),
        Other(14, "8", 1),
        Other(15, "PC8", 1),
        Other(16, "DTPMOD64", 8),
        Other(17, "DTPOFF64", 8),
        Other(18, "TPOFF64", 8),
        Other(19, "TLSGD", 4),
        Other(20, "TLSLD", 4),
        Other(21, "DTPOFF32", 4),
        Other(22, "GOTTPOFF", 4),
        Other(23, "TPOFF32", 4),
        Pc64,
        Other(25, "GOTOFF64", 8),
        Other(26, "GOTPC32", 4),
        Other(27, "GOT64", 8),
        Other(28, "GOTPCREL64", 8),
        Other(29, "GOTPC64", 8),
        Other(30, "GOTPLT64", 8),
        Other(31, "PLTOFF64", 8),
        Other(32, "SIZE32", 4),
        Other(33, "SIZE64", 8),
        Other(34, "GOTPC32_TLSDESC", 4),
        Other(36, "TLSDESC", 16),
        Other(37, "IRELATIVE", 8),
        Other(38, "RELATIVE64", 8),
        Other(41, "GOTPCRELX", 4),
        Other(42, "REX_GOTPCRELX", 4),
    ];

    private static RelocationType Known(uint number, string name, int size) => Whole(number, name, size) with { IsKnown = true };

    private static RelocationType Other(uint number, string name, int size) => Whole(number, "R_X86_64_" + name, size);

    // Every field is made of whole bytes.
    private static RelocationType Whole(uint number, string name, int size) =>
        new(number, name) { Size = size, Mask = size < sizeof(ulong) ? (1UL << (8 * size)) - 1 : ulong.MaxValue };
}
