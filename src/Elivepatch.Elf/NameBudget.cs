namespace Elivepatch.Elf;

/// <summary>
/// How much text names may still take. Names share their bytes in a string table (each offset in it is a name of its own), so
/// a small hostile table could otherwise stand for the square of its size. Real files stay far below one byte of name for
/// each byte of file, and no name of a kernel's has more than some hundred (KSYM_NAME_LEN is 512).
/// </summary>
internal struct NameBudget(int fileLength)
{
    private const int LongestName = 4096;
    private const int Spare = 64 << 10;

    private long _left = (2L * fileLength) + Spare;

    public void Spend(int length)
    {
        if (length > LongestName)
        {
            throw new ElfFormatException($"string tables: a name has {length} bytes, more than {LongestName}");
        }

        _left -= length;
        if (_left < 0)
        {
            throw new ElfFormatException("string tables: the names are out of all proportion to the file");
        }
    }
}
