using System.Text;

namespace Elivepatch.Elf;

/// <summary>
/// Reads names from a string table (System V gABI, chapter 4, "String Table"): zero-terminated, found by offset. Equal
/// offsets give the same string object. Latin-1 because a name is bytes and none of them may be lost.
/// </summary>
internal readonly ref struct NameReader(ReadOnlySpan<byte> table, string structure, int expected)
{
    private readonly ReadOnlySpan<byte> _table = table;
    private readonly Dictionary<uint, string> _names = new(expected);

    public string Read(uint offset, ref NameBudget budget)
    {
        if (offset == 0 && (_table.IsEmpty || _table[0] == 0))
        {
            return "";
        }

        if (_names.TryGetValue(offset, out var name))
        {
            return name;
        }

        if (offset >= (uint)_table.Length)
        {
            throw new ElfFormatException($"{structure}: a name at offset 0x{offset:x} of 0x{_table.Length:x}");
        }

        var length = _table[(int)offset..].IndexOf((byte)0);
        if (length < 0)
        {
            throw new ElfFormatException($"{structure}: the name at offset 0x{offset:x} has no end");
        }

        budget.Spend(length);
        name = Encoding.Latin1.GetString(_table.Slice((int)offset, length));
        _names.Add(offset, name);
        return name;
    }
}
