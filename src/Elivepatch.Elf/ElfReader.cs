namespace Elivepatch.Elf;

/// <summary>Reads ELF64 little-endian files into an <see cref="ElfObject"/>.</summary>
public static class ElfReader
{
    /// <summary>Reads a whole file.</summary>
    /// <exception cref="ElfFormatException">The bytes are not a well-formed ELF64 little-endian file.</exception>
    public static ElfObject Read(byte[] file) => throw new NotImplementedException();
}
