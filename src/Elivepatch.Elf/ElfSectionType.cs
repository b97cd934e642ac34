namespace Elivepatch.Elf;

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
