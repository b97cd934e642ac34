namespace Elivepatch.Elf;

/// <summary>
/// How much text names may still take. Names share their bytes in a string table (each offset in it is a name of its own), so
/// a small hostile table could otherwise stand for the square of its size. Real files stay far below one byte of name for
/// each byte of file.
/// </summary>
internal struct NameBudget(int fileLength)
{
    private long _left = 16L * fileLength;

    public void Spend(int length)
    {
        _left -= length;
        if (_left < 0)
        {
            throw new ElfFormatException("string tables: the names are out of all proportion to the file");
        }
    }
}
