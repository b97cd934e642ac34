// In: the root folder of a machine. Out: its files in /proc, /sys and elsewhere, read with a bound. Everything that touches the
// running machine goes through here, so that a test's machine is a folder.

using System.Text;

namespace Elivepatch.Machine;

/// <summary>Files of the machine that the command works on; paths are relative to its root.</summary>
public sealed class MachineFiles(string root)
{
    // Files of /proc and /sys that are read here are a few lines.
    private const int LargestText = 256 << 10;
    private const int LargestList = 32 << 20;

    /// <summary>The full path.</summary>
    public string PathOf(string path) => Path.Combine(root, path);

    /// <summary>True where there is such a file.</summary>
    public bool HasFile(string path) => File.Exists(PathOf(path));

    /// <summary>True where there is such a folder.</summary>
    public bool HasFolder(string path) => Directory.Exists(PathOf(path));

    /// <summary>Names in a folder: the folders, in order; none where it is not there (it may vanish at any time).</summary>
    public IReadOnlyList<string> Folders(string path) => Names(path, Directory.EnumerateDirectories);

    /// <summary>Names in a folder: the files, in order; none where it is not there.</summary>
    public IReadOnlyList<string> Files(string path) => Names(path, Directory.EnumerateFiles);

    /// <summary>
    /// The text of a file, without the white space at its end; null where there is none. What the kernel shows may be gone
    /// between two looks, and some of it is not for everybody.
    /// </summary>
    public string? ReadText(string path) => ReadBytes(path) is { } bytes ? Encoding.UTF8.GetString(bytes).TrimEnd() : null;

    /// <summary>The bytes of a small file; null where there is none.</summary>
    public byte[]? ReadBytes(string path)
    {
        try
        {
            // Files of /proc and /sys tell no size, so they are read to their end.
            using var stream = new FileStream(PathOf(path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            using var content = new MemoryStream();
            var buffer = new byte[4096];
            while (content.Length < LargestText && stream.Read(buffer) is > 0 and var count)
            {
                content.Write(buffer, 0, count);
            }

            return content.ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// The lines of a file that may be long; none where there is none. With every function traced, the list of them has 5 million
    /// bytes.
    /// </summary>
    public IReadOnlyList<string> ReadLines(string path)
    {
        var lines = new List<string>();
        try
        {
            using var reader = new StreamReader(
                new FileStream(PathOf(path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite)
            );
            for (var length = 0L; length < LargestList && reader.ReadLine() is { } line; length += line.Length + 1)
            {
                lines.Add(line);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What was read before it vanished is true all the same.
        }
        return lines;
    }

    /// <summary>Writes to a file of the kernel, in one call; the reason where it is not taken, else null.</summary>
    public string? Write(string path, string text)
    {
        try
        {
            using var file = File.OpenHandle(PathOf(path), FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            RandomAccess.Write(file, Encoding.UTF8.GetBytes(text), 0);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    private List<string> Names(string path, Func<string, IEnumerable<string>> enumerate)
    {
        try
        {
            return [.. enumerate(PathOf(path)).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
