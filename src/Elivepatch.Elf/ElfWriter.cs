namespace Elivepatch.Elf;

/// <summary>Writes an <see cref="ElfObject"/> of type <see cref="ElfFileType.Relocatable"/>.</summary>
public static class ElfWriter
{
    /// <summary>Lays out and writes the whole file.</summary>
    public static byte[] Write(ElfObject elf) => throw new NotImplementedException();
}
