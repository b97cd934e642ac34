namespace Elivepatch.Elf.Dwarf;

/// <summary>Reads forward through a debug section; every step is checked against the end.</summary>
internal ref struct DwarfCursor(ReadOnlySpan<byte> bytes, ElfByteOrder order, string section, int offset = 0)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Offset of the next byte in the section.</summary>
    public int Offset { get; private set; } =
        offset >= 0 && offset <= bytes.Length
            ? offset
            : throw new ElfFormatException($"{section}: offset 0x{offset:x} is outside");

    public readonly int Remaining => _bytes.Length - Offset;

    public byte ReadByte() => Take(1)[0];

    public ushort ReadUInt16() => order.ReadUInt16(Take(2));

    public uint ReadUInt32() => order.ReadUInt32(Take(4));

    public ulong ReadUInt64() => order.ReadUInt64(Take(8));

    /// <summary>An unsigned LEB128 number (DWARF 4, section 7.6); at most 64 bits.</summary>
    public ulong ReadUnsigned()
    {
        var first = ReadByte();
        if (first < 0x80)
        {
            return first;
        }

        var value = (ulong)first & 0x7f;
        for (var shift = 7; shift < 70; shift += 7)
        {
            var next = ReadByte();
            value |= shift < 64 ? (ulong)(next & 0x7f) << shift : 0;
            if (next < 0x80)
            {
                return value;
            }
        }
        throw Malformed("a number of more than 64 bits");
    }

    /// <summary>A signed LEB128 number; at most 64 bits.</summary>
    public long ReadSigned()
    {
        long value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            var next = ReadByte();
            if (shift < 64)
            {
                value |= (long)(next & 0x7f) << shift;
            }

            if (next >= 0x80)
            {
                continue;
            }

            var width = shift + 7;
            return (next & 0x40) != 0 && width < 64 ? value | (-1L << width) : value;
        }
        throw Malformed("a number of more than 64 bits");
    }

    /// <summary>The bytes of a zero-terminated string, without the zero.</summary>
    public ReadOnlySpan<byte> ReadString()
    {
        var length = _bytes[Offset..].IndexOf((byte)0);
        if (length < 0)
        {
            throw Malformed("a string without end");
        }

        var text = Take(length);
        Offset++;
        return text;
    }

    public void Skip(ulong size)
    {
        if (size > (ulong)Remaining)
        {
            throw Malformed($"0x{size:x} bytes exceed the section");
        }

        Offset += (int)size;
    }

    public readonly ElfFormatException Malformed(string what) => new($"{section} at offset 0x{Offset:x}: {what}");

    private ReadOnlySpan<byte> Take(int size)
    {
        if (size > Remaining)
        {
            throw Malformed($"{size} bytes exceed the section");
        }

        var taken = _bytes.Slice(Offset, size);
        Offset += size;
        return taken;
    }
}
