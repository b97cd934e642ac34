using System.Text;

namespace Elivepatch.Elf;

/// <summary>Builds a string table (System V gABI, chapter 4, "String Table"): equal names share, in order of first use.</summary>
internal sealed class NameTable
{
    private readonly Dictionary<string, uint> _offsets = new(StringComparer.Ordinal) { [""] = 0 };
    private readonly List<string> _names = [];

    /// <summary>Length in bytes; the table starts with the empty name.</summary>
    public long Length { get; private set; } = 1;

    public uint Add(string name)
    {
        if (_offsets.TryGetValue(name, out var offset))
        {
            return offset;
        }

        foreach (var c in name)
        {
            if (c is '\0' or > '\xff')
            {
                throw new ElfFormatException($"name {name}: U+{(int)c:X4} is not a byte of a name");
            }
        }
        if (Length + name.Length > int.MaxValue)
        {
            throw new ElfFormatException("string table: the names exceed 2 GiB");
        }

        offset = (uint)Length;
        _offsets.Add(name, offset);
        _names.Add(name);
        Length += name.Length + 1;
        return offset;
    }

    public uint OffsetOf(string name) => _offsets[name];

    public void CopyTo(Span<byte> place)
    {
        var at = 1;
        foreach (var name in _names)
        {
            at += Encoding.Latin1.GetBytes(name, place[at..]) + 1;
        }
    }
}
