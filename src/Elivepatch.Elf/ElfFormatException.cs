namespace Elivepatch.Elf;

/// <summary>A file is not the ELF file it claims to be. The message says which structure is wrong and where.</summary>
public sealed class ElfFormatException(string message) : Exception(message);
