using System.Globalization;
using System.Text;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Storage;

/// <summary>
/// What a cache entry was made of: the size of every file that its kind vouches for, and a digest of the small ones. Cheap enough
/// to check at every opening, and enough to notice a disk that was full, a file that was cut or a hand that meddled.
/// </summary>
internal static class EntryManifest
{
    /// <summary>Name of the manifest in an entry.</summary>
    public const string FileName = ".elivepatch-manifest";

    private const int SmallFile = 64 << 10;

    /// <summary>Writes the manifest of a folder.</summary>
    public static void Write(string folder, Func<string, bool> covers)
    {
        var text = new StringBuilder();
        foreach (var path in Files(folder).Where(covers).Order(StringComparer.Ordinal))
        {
            var info = new FileInfo(Path.Combine(folder, path));
            text.Append(CultureInfo.InvariantCulture, $"{info.Length} {Digest(info)} {path}\n");
        }
        using var stream = new FileStream(Path.Combine(folder, FileName), FileMode.Create);
        stream.Write(Encoding.UTF8.GetBytes(text.ToString()));
        stream.Flush(flushToDisk: true);
    }

    /// <summary>True where every file that the manifest lists is there as it was.</summary>
    public static bool IsIntact(string folder)
    {
        try
        {
            return File.ReadLines(Path.Combine(folder, FileName)).All(line => Agrees(folder, line));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool Agrees(string folder, string line)
    {
        var words = line.Split(' ', 3);
        if (words.Length != 3)
        {
            return false;
        }

        var info = new FileInfo(Path.Combine(folder, words[2]));
        return info.Exists && info.Length.ToString(CultureInfo.InvariantCulture) == words[0] && Digest(info) == words[1];
    }

    // Links are not followed: what they lead to is listed itself, or is not ours.
    private static IEnumerable<string> Files(string folder) =>
        Directory
            .EnumerateFiles(
                folder,
                "*",
                new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }
            )
            .Select(p => Path.GetRelativePath(folder, p))
            .Where(p => p != FileName && !p.Contains('\n', StringComparison.Ordinal));

    private static string Digest(FileInfo info) =>
        info.Length > SmallFile ? "-" : ContentDigest.Of(File.ReadAllBytes(info.FullName)).Hex;
}
