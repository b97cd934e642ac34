// In: a folder with a root file system of anybody's. Out: its digest and size. Links are read, never followed.

using System.Globalization;
using System.IO.Enumeration;
using System.Security.Cryptography;
using System.Text;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>The files of a root file system.</summary>
internal static class RootFiles
{
    /// <summary>All entries below a folder, in order of path.</summary>
    public static IEnumerable<FileSystemInfo> List(string folder) =>
        new FileSystemEnumerable<FileSystemInfo>(
            folder,
            (ref FileSystemEntry entry) => entry.ToFileSystemInfo(),
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }
        )
        {
            ShouldRecursePredicate = (ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
        }.OrderBy(e => e.FullName, StringComparer.Ordinal);

    /// <summary>
    /// The digest of everything in a folder: paths, permissions to run, contents, and where links lead. Owners and times do not
    /// count, so that one root has one digest wherever it is unpacked.
    /// </summary>
    public static (ContentDigest Digest, long Size) Measure(string folder, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var size = 0L;
        foreach (var entry in List(folder))
        {
            cancellation.ThrowIfCancellationRequested();
            var path = Path.GetRelativePath(folder, entry.FullName);
            if (entry.LinkTarget is { } target)
            {
                Add("link", path, target);
            }
            else if (entry is FileInfo file)
            {
                using var stream = file.OpenRead();
                Add(
                    (file.UnixFileMode & UnixFileMode.UserExecute) != 0 ? "program" : "file",
                    path,
                    Convert.ToHexStringLower(SHA256.HashData(stream))
                );
                size += file.Length;
            }
            else
            {
                Add("folder", path, "");
            }
        }

        return (new(Convert.ToHexStringLower(hash.GetHashAndReset())), size);

        void Add(string kind, string path, string content)
        {
            // Lengths before the words, so that no two lists of words give one text.
            foreach (var word in (string[])[kind, path, content])
            {
                var bytes = Encoding.UTF8.GetBytes(word);
                hash.AppendData(Encoding.ASCII.GetBytes(bytes.Length.ToString(CultureInfo.InvariantCulture) + ":"));
                hash.AppendData(bytes);
            }
        }
    }
}
