namespace Elivepatch.Elf;

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
