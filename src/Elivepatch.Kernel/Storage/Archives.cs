// In: a package or a source archive. Out: its files in a folder. The unpackers run in the sandbox, so what they write stays in
// that folder; the decompressed size is bounded before the unpacker sees it.

using System.Globalization;
using System.IO.Enumeration;
using Elivepatch.Kernel.Processes;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Storage;

/// <summary>Unpacks archives that may be hostile.</summary>
public static class Archives
{
    /// <summary>Bytes that a kernel source archive may decompress to; 6.12 has 1.5 GB.</summary>
    public const long SourceLimit = 4L << 30;

    /// <summary>Bytes that a package may decompress to.</summary>
    public const long PackageLimit = 2L << 30;

    private static readonly Dictionary<string, string> Decompressors = new(StringComparer.Ordinal)
    {
        [".xz"] = "xz -dc -T0",
        [".txz"] = "xz -dc -T0",
        [".gz"] = "gzip -dc",
        [".tgz"] = "gzip -dc",
        [".bz2"] = "bzip2 -dc",
        [".zst"] = "zstd -dc",
        [".tar"] = "cat",
    };

    /// <summary>Unpacks the files of a Debian package.</summary>
    /// <param name="package">The <c>.deb</c>.</param>
    /// <param name="folder">Where to; exists.</param>
    /// <param name="members">Paths in the package to unpack, as in <c>./boot</c>; all where empty.</param>
    /// <param name="cancellation">Ends it.</param>
    public static Task<Problem?> UnpackDebianPackageAsync(
        string package,
        string folder,
        IReadOnlyList<string> members,
        CancellationToken cancellation
    ) => UnpackAsync(package, "dpkg-deb --fsys-tarfile", folder, [.. members], PackageLimit, cancellation);

    /// <summary>Unpacks a source archive without its top folder.</summary>
    public static Task<Problem?> UnpackSourceAsync(string archive, string folder, CancellationToken cancellation) =>
        Decompressors.TryGetValue(Path.GetExtension(archive), out var decompressor)
            ? UnpackAsync(archive, decompressor, folder, ["--strip-components=1"], SourceLimit, cancellation)
            : Task.FromResult<Problem?>(new(ProcessProblems.ArchiveRefused, $"{archive}: not a kind of archive that is known"));

    /// <summary>Unpacks an archive as it is.</summary>
    public static Task<Problem?> UnpackPlainAsync(string archive, string folder, long limit, CancellationToken cancellation) =>
        Decompressors.TryGetValue(Path.GetExtension(archive), out var decompressor)
            ? UnpackAsync(archive, decompressor, folder, [], limit, cancellation)
            : Task.FromResult<Problem?>(new(ProcessProblems.ArchiveRefused, $"{archive}: not a kind of archive that is known"));

    private static async Task<Problem?> UnpackAsync(
        string archive,
        string decompressor,
        string folder,
        string[] words,
        long limit,
        CancellationToken cancellation
    )
    {
        // One byte more than the limit tells "just as long" from "too long"; the count goes to descriptor 3, a file in /tmp.
        var bound = (limit + 1).ToString(CultureInfo.InvariantCulture);
        var script = $"""
            set -o pipefail
            {decompressor} /archive | head -c {bound} | tee >(wc -c >/tmp/count) | tar -x -f - -C /out --no-same-owner --no-same-permissions "$@"
            status=$?
            while [ ! -s /tmp/count ]; do sleep 0.01; done
            [ "$(cat /tmp/count)" -lt {bound} ] || exit 99
            exit $status
            """;
        var outcome = await Sandbox.RunAsync(
            new SandboxRequest
            {
                File = "bash",
                Arguments = ["-c", script, "unpack", .. words],
                Binds = [new(archive, "/archive"), new(folder, "/out", Writable: true)],
                Timeout = TimeSpan.FromMinutes(10),
                OutputLimit = 64 << 10,
            },
            cancellation
        );
        if (!outcome.TryGet(out var result))
        {
            return outcome.Problems[0];
        }

        var name = Path.GetFileName(archive);
        if (result.ExitCode == 99)
        {
            return new(ProcessProblems.ArchiveRefused, $"{name} decompresses to more than {limit >> 20} MiB");
        }

        if (!result.Succeeded)
        {
            return new(ProcessProblems.ArchiveRefused, $"{name} cannot be unpacked: {result.Describe()}");
        }

        return FindEscapingLinks(folder).FirstOrDefault() is { } link
            ? new Problem(ProcessProblems.ArchiveRefused, $"{name}: the link {link} leads out of the archive")
            : null;
    }

    /// <summary>Links in a folder whose target lies outside of it, by path in the folder.</summary>
    internal static IEnumerable<string> FindEscapingLinks(string folder)
    {
        var links = new FileSystemEnumerable<FileSystemInfo>(
            folder,
            (ref FileSystemEntry entry) => entry.ToFileSystemInfo(),
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }
        )
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) != 0,
            ShouldRecursePredicate = (ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
        };
        return links.Where(l => Leaves(folder, l)).Select(l => Path.GetRelativePath(folder, l.FullName));
    }

    // "a/../b" is refused as well: where a is itself a link, its parent is not what the words say.
    private static bool Leaves(string folder, FileSystemInfo link)
    {
        var target = link.LinkTarget ?? "/";
        var climbs = target.Split('/').SkipWhile(w => w is ".." or "." or "").Contains("..");
        var full = Path.GetFullPath(target, Path.GetDirectoryName(link.FullName)!);
        return climbs || Path.IsPathRooted(target) || !full.StartsWith(folder + "/", StringComparison.Ordinal);
    }
}
