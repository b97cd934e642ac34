// In: the bytes that come over a guest's channel, as they come. Out: what they say.
//
// The channel carries lines and then one block of bytes:
//
//   > TEXT                       a script in the guest printed TEXT
//   ! UPTIME WORD...             an event; "end STATUS" is the last one
//   = LENGTH SHA256 cat|gzip     LENGTH bytes with this digest follow: a tar archive of /out, as it is or compressed
//   ...
//
// and in the other direction, when the block is there and has that digest, one line: its receipt, "LENGTH SHA256". The guest does
// not end before it has it.
//
// A guest runs code under test and may say anything; every bound here is ours.

using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Elivepatch.Kernel.Processes;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>What comes over a guest's channel.</summary>
/// <param name="limit">How many bytes the files may have together, packed and unpacked.</param>
internal sealed class GuestStream(int limit)
{
    private const int MostFiles = 100_000;
    private readonly List<GuestEvent> events = [];
    private LineSplitter? lines;
    private byte[]? block;
    private int filled;
    private string digest = "";
    private bool isCompressed;

    /// <summary>Events and output in the order in which they came.</summary>
    public IReadOnlyList<GuestEvent> Events => events;

    /// <summary>What the guest waits for, in bytes, when its files are here and are what it says they are.</summary>
    public byte[]? Receipt { get; private set; }

    /// <summary>What came cannot become files any more: a header that is none, or bytes with another digest.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Takes what came.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        lines ??= new(TakeLine);
        while (bytes.Length > 0 && block is null && !IsBroken)
        {
            var length = bytes.IndexOf((byte)'\n') is var end and >= 0 ? end + 1 : bytes.Length;
            lines.Append(bytes[..length]);
            bytes = bytes[length..];
        }
        if (block is null || Receipt is not null || IsBroken)
        {
            return;
        }

        var count = Math.Min(bytes.Length, block.Length - filled);
        bytes[..count].CopyTo(block.AsSpan(filled));
        filled += count;
        if (filled == block.Length)
        {
            Check();
        }
    }

    /// <summary>Reads one line; null for one that says nothing.</summary>
    public static GuestEvent? ParseLine(string line)
    {
        if (line.StartsWith("> ", StringComparison.Ordinal))
        {
            return new(0, null, line[2..]);
        }

        if (!line.StartsWith("! ", StringComparison.Ordinal))
        {
            return null;
        }

        var words = line[2..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return
            words.Length > 1
            && double.TryParse(words[0], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var uptime)
            ? new(uptime, words[1..], string.Join(' ', words[1..]))
            : null;
    }

    /// <summary>The files that the guest left in <c>/out</c>; null where they did not come whole.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>>? ReadFiles()
    {
        if (Receipt is null)
        {
            return null;
        }

        try
        {
            using var packed = new MemoryStream(block!, writable: false);
            using var unpacked = isCompressed ? new GZipStream(packed, CompressionMode.Decompress) : null;
            return ReadArchive((Stream?)unpacked ?? packed, limit);
        }
        catch (Exception e)
            when (e
                    is InvalidDataException
                        or IOException
                        or FormatException
                        or ArgumentException
                        or OverflowException
                        or NotSupportedException
            )
        {
            return null;
        }
    }

    private void TakeLine(string line)
    {
        if (line.StartsWith("= ", StringComparison.Ordinal))
        {
            BeginBlock(line.Split(' '));
        }
        else if (ParseLine(line) is { } happened)
        {
            events.Add(happened);
        }
    }

    private void BeginBlock(string[] words)
    {
        if (
            words.Length != 4
            || !int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            || length == 0
            || length > limit
            || words[2].Length != 2 * SHA256.HashSizeInBytes
            || words[3] is not ("cat" or "gzip")
        )
        {
            IsBroken = true;
            return;
        }
        (block, digest, isCompressed) = (new byte[length], words[2], words[3] == "gzip");
    }

    private void Check()
    {
        if (Convert.ToHexStringLower(SHA256.HashData(block!)) == digest)
        {
            Receipt = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{block!.Length} {digest}\n"));
        }
        else
        {
            IsBroken = true;
        }
    }

    // Links, devices and unsafe names are left out: nobody here asks a guest for them.
    private static Dictionary<string, ReadOnlyMemory<byte>>? ReadArchive(Stream archive, long limit)
    {
        var files = new Dictionary<string, ReadOnlyMemory<byte>>();
        using var tar = new TarReader(archive);
        while (tar.GetNextEntry() is { } entry)
        {
            var name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) || !GuestPath.IsSafe(name))
            {
                continue;
            }

            limit -= entry.Length;
            if (limit < 0 || files.Count >= MostFiles)
            {
                return null;
            }

            var content = new byte[entry.Length];
            entry.DataStream?.ReadExactly(content);
            files[name] = content;
        }
        return files;
    }
}
