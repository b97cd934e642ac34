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
