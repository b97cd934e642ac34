namespace Elivepatch.Elf;

/// <summary>Properties of relocation types (x86-64 psABI, section 4.4, table "Relocation Types").</summary>
public static class X8664RelocationFields
{
    /// <summary>Size in bytes of the field that a relocation of this type changes; 0 where it changes none or is not known.</summary>
    public static int FieldSize(this X8664Relocation type) => (uint)type switch
    {
        14 or 15 => 1, // R_X86_64_8, PC8
        12 or 13 => 2, // R_X86_64_16, PC16
        2 or 3 or 4 or 9 or 10 or 11 => 4, // PC32, GOT32, PLT32, GOTPCREL, 32, 32S
        >= 19 and <= 23 => 4, // TLSGD, TLSLD, DTPOFF32, GOTTPOFF, TPOFF32
        26 or 32 or 34 or 41 or 42 => 4, // GOTPC32, SIZE32, GOTPC32_TLSDESC, GOTPCRELX, REX_GOTPCRELX
        1 or 6 or 7 or 8 => 8, // 64, GLOB_DAT, JUMP_SLOT, RELATIVE
        >= 16 and <= 18 => 8, // DTPMOD64, DTPOFF64, TPOFF64
        24 or 25 or (>= 27 and <= 31) or 33 or 37 or 38 => 8, // PC64, GOTOFF64, the 64-bit GOT and PLT ones, SIZE64, IRELATIVE
        36 => 16, // TLSDESC
        _ => 0,
    };
}
