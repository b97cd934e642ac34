// In: a root file system. Out: the mounts by which a sandbox has its programs. No link of a root is followed here: it may come
// from anybody, and its links mean paths inside.

namespace Elivepatch.Kernel.Processes;

/// <summary>The programs and libraries that a sandbox sees, read-only: this machine's or another one's.</summary>
/// <param name="Folder">The top of its file system.</param>
public sealed record Userland(string Folder)
{
    private const string Usr = "usr";

    // Debian and others merge these into /usr and leave links; where they are folders they are bound.
    private static readonly string[] mergedFolders = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

    /// <summary>That of this machine.</summary>
    public static Userland Host { get; } = new("/");

    /// <summary>The folders at the top of a root file system that a sandbox sees.</summary>
    public static IReadOnlyList<string> TopFolders { get; } = [Usr, .. mergedFolders];

    /// <summary>The files and folders of its configuration that a sandbox sees, by path in it.</summary>
    public static IReadOnlyList<string> ConfigurationFiles { get; } =
    ["etc/alternatives", "etc/ld.so.cache", "etc/ld.so.conf", "etc/ld.so.conf.d"];

    /// <summary>True where it has a program of this name.</summary>
    public bool Has(string program) =>
        this == Host ? Executables.Find(program) is not null : File.Exists(Path.Combine(Folder, Usr, "bin", program));

    /// <summary>Why a folder cannot be one; null where it can.</summary>
    public static string? FindFault(string folder) =>
        !IsFolder(Path.Combine(folder, Usr)) ? $"it has no folder {Usr}"
        : new FileInfo(Path.Combine(folder, "etc")).LinkTarget is not null ? "its etc is a link"
        : null;

    /// <summary>Words for bubblewrap.</summary>
    internal IEnumerable<string> MountWords()
    {
        List<string> words = ["--ro-bind", Path.Combine(Folder, Usr), $"/{Usr}"];
        foreach (var name in mergedFolders)
        {
            var path = Path.Combine(Folder, name);
            if (new DirectoryInfo(path).LinkTarget is { } target)
            {
                words.AddRange(["--symlink", target, $"/{name}"]);
            }
            else if (Directory.Exists(path))
            {
                words.AddRange(["--ro-bind", path, $"/{name}"]);
            }
        }

        foreach (var name in ConfigurationFiles)
        {
            var path = Path.Combine(Folder, name);
            if (new FileInfo(path).LinkTarget is null)
            {
                words.AddRange(["--ro-bind-try", path, $"/{name}"]);
            }
        }

        return words;
    }

    private static bool IsFolder(string path) => Directory.Exists(path) && new DirectoryInfo(path).LinkTarget is null;
}
