// In: the folder of a kernel's source. Out: an archive of it that a server can be sent. Equal folders give equal archives:
// sorted, without owners and times, without what was built in them. Nothing but the folder's own files gets in: links are not
// followed, and one that leads outside is refused, as it would be another file there.

using System.Formats.Tar;
using System.IO.Compression;
using Elivepatch.Model;

namespace Elivepatch.Machine.Service;

/// <summary>Packs source folders.</summary>
public sealed class SourceFolder(string folder)
{
    private const string Top = "linux";

    // A kernel has some 90,000 files and 1.5 GiB; what has much more is another folder.
    private const int MostEntries = 500_000;
    private const long LargestTotal = 8L << 30;
    private const int DeepestFolder = 64;

    // What kbuild makes; it makes again whatever has no .cmd file beside it.
    private static readonly string[] builtEndings = [".o", ".ko", ".cmd", ".a"];
    private static readonly string[] leftOut = [".git", ".svn", ".hg", ".bzr", ".config", "vmlinux"];

    private readonly string root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
    private int entries;
    private long total;

    /// <summary>Writes the archive (tar, gzip).</summary>
    public Problem? Pack(Stream to, CancellationToken cancellation)
    {
        if (!File.Exists(Path.Combine(root, "Makefile")) || !File.Exists(Path.Combine(root, "Kconfig")))
        {
            return Unusable("it has no Makefile and Kconfig: it is not the source of a kernel");
        }

        try
        {
            using var compressed = new GZipStream(to, CompressionLevel.Fastest, leaveOpen: true);
            using var archive = new TarWriter(compressed, TarEntryFormat.Ustar, leaveOpen: true);
            return Add(archive, root, Top, 0, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Unusable(e.Message);
        }
    }

    private Problem? Add(TarWriter archive, string path, string name, int depth, CancellationToken cancellation)
    {
        if (depth > DeepestFolder)
        {
            return Unusable($"{path} is too deep");
        }

        foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos().OrderBy(e => e.Name, StringComparer.Ordinal))
        {
            cancellation.ThrowIfCancellationRequested();
            if (leftOut.Contains(entry.Name) || (entry is FileInfo && builtEndings.Contains(entry.Extension)))
            {
                continue;
            }

            if (++entries > MostEntries)
            {
                return Unusable($"it has more than {MostEntries} files");
            }

            var inside = $"{name}/{entry.Name}";
            var problem =
                entry.LinkTarget is { } target ? AddLink(archive, entry, target, inside)
                : entry is DirectoryInfo ? AddFolder(archive, entry.FullName, inside, depth, cancellation)
                : AddFile(archive, (FileInfo)entry, inside);
            if (problem is not null)
            {
                return problem;
            }
        }

        return null;
    }

    private Problem? AddFolder(TarWriter archive, string path, string name, int depth, CancellationToken cancellation)
    {
        archive.WriteEntry(Entry(TarEntryType.Directory, name, isExecutable: true));
        return Add(archive, path, name, depth + 1, cancellation);
    }

    private Problem? AddLink(TarWriter archive, FileSystemInfo link, string target, string name)
    {
        var end = Path.GetFullPath(target, Path.GetDirectoryName(link.FullName)!);
        if (Path.IsPathRooted(target) || !(end + "/").StartsWith(root + "/", StringComparison.Ordinal))
        {
            return Unusable($"{link.FullName} is a link that leads outside, to {target}");
        }

        var entry = Entry(TarEntryType.SymbolicLink, name, isExecutable: true);
        entry.LinkName = target;
        archive.WriteEntry(entry);
        return null;
    }

    private Problem? AddFile(TarWriter archive, FileInfo file, string name)
    {
        total += file.Length;
        if (total > LargestTotal)
        {
            return Unusable($"it has more than {LargestTotal >> 30} GiB");
        }

        var entry = Entry(TarEntryType.RegularFile, name, (file.UnixFileMode & UnixFileMode.UserExecute) != 0);
        // A pipe or a device has no size either: nothing is opened that could be waited for, or read without end.
        using var content =
            file.Length == 0
                ? null
                : new FileStream(file.FullName, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.SequentialScan);
        entry.DataStream = content;
        archive.WriteEntry(entry);
        return null;
    }

    private static UstarTarEntry Entry(TarEntryType type, string name, bool isExecutable) =>
        new(type, name)
        {
            ModificationTime = DateTimeOffset.UnixEpoch,
            Mode =
                UnixFileMode.UserRead
                | UnixFileMode.UserWrite
                | UnixFileMode.GroupRead
                | UnixFileMode.OtherRead
                | (
                    isExecutable
                        ? UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute
                        : UnixFileMode.None
                ),
        };

    private Problem Unusable(string reason) => new(CommandProblems.InputUnusable, $"{root}: {reason}");
}
