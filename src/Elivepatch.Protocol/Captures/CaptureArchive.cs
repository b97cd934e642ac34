// In: an unpacked capture, which is hostile. Out: its members, one after the other, with the length of each before there is room
// for it. The library's reader of tar archives makes room for what it follows on its own (extended headers, long names) as their
// headers promise: two gigabytes for one block. A capture has members with short names and nothing else (POSIX.1-1988, "ustar").
//
//   0 name[100]   124 size[12]   148 checksum[8]   156 type   257 "ustar"   345 prefix[155]    octal numbers, blocks of 512 bytes

using System.Text;

namespace Elivepatch.Protocol.Captures;

/// <summary>A member of a capture, before its content is read.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Length">How many bytes it is said to have.</param>
/// <param name="IsFile">True for a file, and for nothing that follows a name of its own.</param>
internal readonly record struct CaptureMember(string Name, long Length, bool IsFile);

/// <summary>Reads the archive of a capture.</summary>
internal sealed class CaptureArchive(Stream stream)
{
    private const int Block = 512;
    private const int TypeOffset = 156;
    private const int PrefixOffset = 345;
    private static readonly Range name = ..100;
    private static readonly Range size = 124..136;
    private static readonly Range checksum = 148..156;
    private readonly byte[] block = new byte[Block];

    /// <summary>The next member, whose content has to be read then; null behind the last one.</summary>
    /// <exception cref="IOException">The archive ends early.</exception>
    /// <exception cref="InvalidDataException">It is none, or damaged.</exception>
    public CaptureMember? ReadHeader()
    {
        stream.ReadExactly(block);
        if (!block.AsSpan().ContainsAnyExcept((byte)0))
        {
            return null;
        }

        if (Number(checksum) != Sum() || !block.AsSpan(257).StartsWith("ustar"u8))
        {
            throw new InvalidDataException();
        }

        var isFile = block[TypeOffset] is (byte)'0' or 0 && block[PrefixOffset] == 0;
        return new(Encoding.ASCII.GetString(Text(name)), Number(size), isFile);
    }

    /// <summary>The content of the member whose header was read last.</summary>
    /// <param name="length">Its length, which the caller has found to be bearable.</param>
    /// <exception cref="IOException">The archive ends early.</exception>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public byte[] ReadContent(int length)
    {
        var content = new byte[length];
        stream.ReadExactly(content);
        stream.ReadExactly(block, 0, (Block - (length % Block)) % Block);
        return content;
    }

    private ReadOnlySpan<byte> Text(Range field)
    {
        ReadOnlySpan<byte> bytes = block.AsSpan()[field];
        var end = bytes.IndexOf((byte)0);
        return end < 0 ? bytes : bytes[..end];
    }

    private long Number(Range field)
    {
        var value = 0L;
        foreach (var digit in Text(field).Trim((byte)' '))
        {
            if (digit is < (byte)'0' or > (byte)'7')
            {
                throw new InvalidDataException();
            }

            value = (value << 3) | (uint)(digit - '0');
        }

        return value;
    }

    // Its own field counts as blanks.
    private int Sum()
    {
        var (start, length) = checksum.GetOffsetAndLength(Block);
        var sum = length * ' ';
        for (var i = 0; i < Block; i++)
        {
            sum += i >= start && i < start + length ? 0 : block[i];
        }

        return sum;
    }
}
