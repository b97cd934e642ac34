// In: the bytes that came over a guest's channel. Out: what they say.
//
// The channel carries lines and then one block of bytes:
//
//   > TEXT                a script in the guest printed TEXT
//   ! UPTIME WORD...      an event; "end STATUS" is the last one
//   = LENGTH cat|gzip     LENGTH bytes follow: a tar archive of /out, as it is or compressed
//   ...
//   .                     behind the block: nothing is missing
//
// A guest runs code under test and may say anything; every bound here is ours.

using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>What came over a guest's channel.</summary>
internal sealed class GuestStream
{
    private const int MostFiles = 100_000;
    private static readonly byte[] EndMark = "\n.\n"u8.ToArray();

    private GuestStream(IReadOnlyList<GuestEvent> events, IReadOnlyDictionary<string, ReadOnlyMemory<byte>>? files)
    {
        Events = events;
        Files = files;
    }

    /// <summary>Events and output in the order in which they came.</summary>
    public IReadOnlyList<GuestEvent> Events { get; }

    /// <summary>The files that the guest left in <c>/out</c>; null where they did not come whole.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>>? Files { get; }

    /// <summary>Reads all that came.</summary>
    /// <param name="bytes">The bytes of the channel.</param>
    /// <param name="fileLimit">How many bytes the files may have together.</param>
    public static GuestStream Parse(ReadOnlyMemory<byte> bytes, long fileLimit)
    {
        var events = new List<GuestEvent>();
        for (var rest = bytes; rest.Length > 0;)
        {
            var length = rest.Span.IndexOf((byte)'\n') is var end and >= 0 ? end : rest.Length;
            var line = Encoding.UTF8.GetString(rest.Span[..length]);
            rest = rest[Math.Min(length + 1, rest.Length)..];
            if (line.StartsWith("= ", StringComparison.Ordinal))
                return new(events, ReadFiles(line.Split(' '), rest, fileLimit));
            if (ParseLine(line) is { } happened)
                events.Add(happened);
        }
        return new(events, null);
    }

    /// <summary>Reads one line; null for one that says nothing.</summary>
    public static GuestEvent? ParseLine(string line)
    {
        if (line.StartsWith("> ", StringComparison.Ordinal))
            return new(0, null, line[2..]);
        if (!line.StartsWith("! ", StringComparison.Ordinal))
            return null;
        var words = line[2..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length > 1 && double.TryParse(words[0], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var uptime)
            ? new(uptime, words[1..], string.Join(' ', words[1..]))
            : null;
    }

    private static Dictionary<string, ReadOnlyMemory<byte>>? ReadFiles(string[] words, ReadOnlyMemory<byte> bytes, long limit)
    {
        if (words.Length != 3
            || !int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            || length > bytes.Length
            || !bytes.Span[length..].StartsWith(EndMark))
            return null;
        try
        {
            using var block = new MemoryStream(bytes[..length].ToArray());
            return words[2] switch
            {
                "cat" => ReadArchive(block, limit),
                "gzip" => ReadArchive(new GZipStream(block, CompressionMode.Decompress), limit),
                _ => null,
            };
        }
        catch (Exception e) when (e is InvalidDataException or IOException or FormatException or ArgumentException or OverflowException or NotSupportedException)
        {
            return null;
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
                continue;
            limit -= entry.Length;
            if (limit < 0 || files.Count >= MostFiles)
                return null;
            var content = new byte[entry.Length];
            entry.DataStream?.ReadExactly(content);
            files[name] = content;
        }
        return files;
    }
}
