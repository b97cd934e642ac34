namespace Elivepatch.Elf;

/// <summary>Relocation types of the x86-64 psABI, section 4.4. Others are legal and kept as numbers.</summary>
public enum X8664Relocation : uint
{
    /// <summary>R_X86_64_NONE.</summary>
    None = 0,

    /// <summary>R_X86_64_64: S + A, 8 bytes.</summary>
    Absolute64 = 1,

    /// <summary>R_X86_64_PC32: S + A - P, 4 bytes.</summary>
    Pc32 = 2,

    /// <summary>R_X86_64_PLT32: L + A - P, 4 bytes; in a kernel the same as PC32.</summary>
    Plt32 = 4,

    /// <summary>R_X86_64_32: S + A, 4 bytes, zero-extended.</summary>
    Absolute32 = 10,

    /// <summary>R_X86_64_32S: S + A, 4 bytes, sign-extended.</summary>
    Absolute32Signed = 11,

    /// <summary>R_X86_64_PC64: S + A - P, 8 bytes.</summary>
    Pc64 = 24,
}
