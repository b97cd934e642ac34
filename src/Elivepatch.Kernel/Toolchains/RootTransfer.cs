// In: a toolchain root in the cache of one machine. Out: the same in that of another. An archive holds what the digest counts and
// nothing else, and what was received has to have the digest that was asked for.

using System.Formats.Tar;
using System.IO.Compression;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>Hands toolchain roots from one machine to another.</summary>
public static class RootTransfer
{
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode Runnable =
        Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Writes a root as a tar archive, compressed by gzip: folders, plain files and symbolic links.</summary>
    /// <param name="root">The root.</param>
    /// <param name="to">Where to; left open.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task WriteAsync(ToolchainRoot root, Stream to, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(root);
        await using var compressed = new GZipStream(to, CompressionLevel.Fastest, leaveOpen: true);
        await using var archive = new TarWriter(compressed, TarEntryFormat.Pax);
        foreach (var entry in RootFiles.List(root.Folder))
        {
            var name = Path.GetRelativePath(root.Folder, entry.FullName);
            if (entry.LinkTarget is { } target)
            {
                await WriteAsync(new(TarEntryType.SymbolicLink, name) { LinkName = target });
            }
            else if (entry is FileInfo file)
            {
                await using var content = file.OpenRead();
                var isProgram = (file.UnixFileMode & UnixFileMode.UserExecute) != 0;
                await WriteAsync(
                    new(TarEntryType.RegularFile, name)
                    {
                        DataStream = content,
                        Mode = (isProgram ? Runnable : Readable) | UnixFileMode.UserWrite,
                    }
                );
            }
            else
            {
                await WriteAsync(new(TarEntryType.Directory, name) { Mode = Runnable | UnixFileMode.UserWrite });
            }
        }

        Task WriteAsync(PaxTarEntry entry) => archive.WriteEntryAsync(entry, cancellation);
    }

    /// <summary>Adds a root that another machine has written.</summary>
    /// <param name="cache">Where roots are kept.</param>
    /// <param name="archive">The archive.</param>
    /// <param name="digest">The digest that the root has to have.</param>
    /// <param name="name">Where it is from.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<ToolchainRoot>> ReceiveAsync(
        CacheRoot cache,
        string archive,
        ContentDigest digest,
        string name,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(cache);
        using var workspace = cache.NewWorkspace();
        var root = Directory.CreateDirectory(Path.Combine(workspace.FullPath, "root")).FullName;
        var full = Path.GetFullPath(archive);
        var problem = await RootUnpacking.UnpackLayersAsync(
            Path.GetDirectoryName(full)!,
            [Path.GetFileName(full)],
            root,
            _ => { },
            cancellation
        );
        return problem is null
            ? await new ToolchainRoots(cache).AddAsync(root, name, [], cancellation, digest)
            : Outcome<ToolchainRoot>.Failure([problem]);
    }
}
