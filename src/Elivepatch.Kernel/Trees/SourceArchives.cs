// In: a source package, an archive, or a folder. Out: an archive in the cache under the digest of what it came from.

using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Trees;

/// <summary>The kernel sources in the cache.</summary>
public sealed class SourceArchives(CacheRoot cache)
{
    private static readonly EntryKind Kind = new("sources");

    /// <summary>A source that was added before.</summary>
    public Outcome<SourceArchive> Find(ContentDigest key) =>
        cache.Find(Kind, key) is { } folder
            ? Archive(key, folder)
            : new Problem(RecordProblems.RecordDamaged, "the kernel's source is no longer in the cache");

    /// <summary>Adds the archive that a package <c>linux-source-X.Y</c> carries.</summary>
    public Task<Outcome<SourceArchive>> AddPackageAsync(
        string package,
        ContentDigest packageDigest,
        CancellationToken cancellation
    ) =>
        AddAsync(
            packageDigest,
            async folder =>
            {
                using var workspace = cache.NewWorkspace();
                if (
                    await Archives.UnpackDebianPackageAsync(package, workspace.FullPath, ["./usr/src"], cancellation) is
                    { } problem
                )
                {
                    return problem;
                }

                var archives = Directory.GetFiles(Path.Combine(workspace.FullPath, "usr", "src"), "linux-source-*.tar.*");
                if (archives.Length != 1)
                {
                    return new Problem(RecordProblems.SourceUnusable, $"{Path.GetFileName(package)} carries no source archive");
                }

                File.Move(archives[0], Path.Combine(folder, Path.GetFileName(archives[0])));
                return null;
            },
            cancellation
        );

    /// <summary>Adds an archive or a folder of the user's.</summary>
    public async Task<Outcome<SourceArchive>> AddAsync(string path, CancellationToken cancellation)
    {
        if (Directory.Exists(path))
        {
            return await AddFolderAsync(Path.GetFullPath(path), cancellation);
        }

        if (!File.Exists(path))
        {
            return new Problem(RecordProblems.SourceUnusable, $"{path} does not exist");
        }

        var key = await ContentDigest.OfFileAsync(path, cancellation);
        return await AddAsync(
            key,
            folder =>
            {
                File.Copy(path, Path.Combine(folder, "source" + Path.GetExtension(path)));
                return Task.FromResult<Problem?>(null);
            },
            cancellation
        );
    }

    // A folder becomes an archive first: sorted, without owners and times, so that equal folders give equal digests. What was
    // built in it stays behind: kbuild makes again whatever has no .cmd file beside it.
    private async Task<Outcome<SourceArchive>> AddFolderAsync(string path, CancellationToken cancellation)
    {
        using var workspace = cache.NewWorkspace();
        var packed = await Sandbox.RunSuccessfullyAsync(
            new SandboxRequest
            {
                File = "tar",
                Arguments =
                [
                    "-c",
                    "-f",
                    "/out/source.tar",
                    "-C",
                    "/",
                    "--sort=name",
                    "--mtime=@0",
                    "--owner=0",
                    "--group=0",
                    "--numeric-owner",
                    "--exclude-vcs",
                    "--exclude=*.o",
                    "--exclude=*.ko",
                    "--exclude=*.cmd",
                    "--exclude=vmlinux",
                    "--exclude=.config",
                    "source",
                ],
                Binds = [new(path, "/source"), new(workspace.FullPath, "/out", Writable: true)],
                Limits = SandboxLimits.Default with { FileSize = Archives.SourceLimit },
            },
            "reading the source directory",
            cancellation
        );
        if (!packed.Succeeded)
        {
            return Outcome<SourceArchive>.Failure(packed.Problems);
        }

        var archive = Path.Combine(workspace.FullPath, "source.tar");
        var key = await ContentDigest.OfFileAsync(archive, cancellation);
        return await AddAsync(
            key,
            folder =>
            {
                File.Move(archive, Path.Combine(folder, "source.tar"));
                return Task.FromResult<Problem?>(null);
            },
            cancellation
        );
    }

    private async Task<Outcome<SourceArchive>> AddAsync(
        ContentDigest key,
        Func<string, Task<Problem?>> produce,
        CancellationToken cancellation
    )
    {
        var entry = await cache.GetAsync(Kind, key, produce, cancellation);
        return entry.Then<SourceArchive>(folder => Archive(key, folder));
    }

    private static SourceArchive Archive(ContentDigest key, string folder) =>
        new(key, Directory.EnumerateFiles(folder).First(f => !Path.GetFileName(f).StartsWith('.')));
}
