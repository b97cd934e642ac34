namespace Elivepatch.Elf;

/// <summary>Object file type, <c>e_type</c> (System V gABI, chapter 4, "ELF Header").</summary>
public enum ElfFileType : ushort
{
    /// <summary>ET_REL: a relocatable object or a kernel module.</summary>
    Relocatable = 1,

    /// <summary>ET_EXEC: a linked image such as vmlinux.</summary>
    Executable = 2,

    /// <summary>ET_DYN: a shared object such as a vdso.</summary>
    Shared = 3,
}

/// <summary>Section type, <c>sh_type</c>. Values not named here are legal and kept as they are.</summary>
public enum ElfSectionType : uint
{
    /// <summary>SHT_NULL.</summary>
    Null = 0,

    /// <summary>SHT_PROGBITS.</summary>
    ProgBits = 1,

    /// <summary>SHT_SYMTAB.</summary>
    SymbolTable = 2,

    /// <summary>SHT_STRTAB.</summary>
    StringTable = 3,

    /// <summary>SHT_RELA.</summary>
    Rela = 4,

    /// <summary>SHT_NOTE.</summary>
    Note = 7,

    /// <summary>SHT_NOBITS: takes no room in the file.</summary>
    NoBits = 8,

    /// <summary>SHT_REL: relocations with the addend in the field; x86-64 does not use them.</summary>
    Rel = 9,

    /// <summary>SHT_INIT_ARRAY.</summary>
    InitArray = 14,

    /// <summary>SHT_FINI_ARRAY.</summary>
    FiniArray = 15,

    /// <summary>SHT_GROUP.</summary>
    Group = 17,

    /// <summary>SHT_SYMTAB_SHNDX: section indexes that do not fit 16 bits.</summary>
    SymbolTableIndexes = 18,

    /// <summary>SHT_X86_64_UNWIND.</summary>
    X8664Unwind = 0x70000001,
}

/// <summary>Section flags, <c>sh_flags</c>.</summary>
[Flags]
public enum ElfSectionFlags : ulong
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>SHF_WRITE.</summary>
    Write = 0x1,

    /// <summary>SHF_ALLOC: occupies memory at run time.</summary>
    Alloc = 0x2,

    /// <summary>SHF_EXECINSTR.</summary>
    Execute = 0x4,

    /// <summary>SHF_MERGE.</summary>
    Merge = 0x10,

    /// <summary>SHF_STRINGS.</summary>
    Strings = 0x20,

    /// <summary>SHF_INFO_LINK: <c>sh_info</c> holds a section index.</summary>
    InfoLink = 0x40,

    /// <summary>SHF_LINK_ORDER.</summary>
    LinkOrder = 0x80,

    /// <summary>SHF_GROUP: member of a section group.</summary>
    Group = 0x200,

    /// <summary>SHF_TLS.</summary>
    Tls = 0x400,

    /// <summary>SHF_COMPRESSED.</summary>
    Compressed = 0x800,

    /// <summary>SHF_RELA_LIVEPATCH, <c>include/uapi/linux/elf.h</c>.</summary>
    RelaLivepatch = 0x00100000,
}

/// <summary>Symbol binding, the upper four bits of <c>st_info</c>.</summary>
public enum ElfSymbolBinding : byte
{
    /// <summary>STB_LOCAL.</summary>
    Local = 0,

    /// <summary>STB_GLOBAL.</summary>
    Global = 1,

    /// <summary>STB_WEAK.</summary>
    Weak = 2,
}

/// <summary>Symbol type, the lower four bits of <c>st_info</c>.</summary>
public enum ElfSymbolType : byte
{
    /// <summary>STT_NOTYPE.</summary>
    None = 0,

    /// <summary>STT_OBJECT.</summary>
    Object = 1,

    /// <summary>STT_FUNC.</summary>
    Function = 2,

    /// <summary>STT_SECTION.</summary>
    Section = 3,

    /// <summary>STT_FILE.</summary>
    File = 4,

    /// <summary>STT_COMMON.</summary>
    Common = 5,

    /// <summary>STT_TLS.</summary>
    Tls = 6,
}

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
}

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
