using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Import;

/// <summary>Modules of a kernel (<c>.ko</c>), as its Debian package has them.</summary>
public sealed class PackagedModules : IDisposable
{
    private const int LargestModule = 64 << 20;
    private const string BuiltIn = "modules.builtin";
    private readonly Workspace workspace;
    private readonly string folder;

    private PackagedModules(Workspace workspace, string folder)
    {
        this.workspace = workspace;
        this.folder = folder;
    }

    /// <summary>Takes modules out of a kernel's package, which is fetched where it is missing.</summary>
    /// <param name="cache">Where packages are kept.</param>
    /// <param name="release">The kernel, as <c>uname -r</c> has it.</param>
    /// <param name="folders">The folders that are needed, below <c>/lib/modules/RELEASE/kernel</c>.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<PackagedModules>> OpenAsync(
        CacheRoot cache,
        string release,
        IReadOnlyList<string> folders,
        CancellationToken cancellation
    )
    {
        var kernel = await DebianKernel.FindAsync(release, cancellation);
        if (!kernel.Succeeded)
        {
            return Outcome<PackagedModules>.Failure(kernel.Problems);
        }

        var package = await new DebianArchive(cache).DownloadAsync(kernel.Value.Image, cancellation);
        if (!package.Succeeded)
        {
            return Outcome<PackagedModules>.Failure(package.Problems);
        }

        var workspace = cache.NewWorkspace();
        var modules = $"lib/modules/{release}";
        IReadOnlyList<string> members = [$"./{modules}/{BuiltIn}", .. folders.Select(f => $"./{modules}/kernel/{f}")];
        if (await Archives.UnpackDebianPackageAsync(package.Value, workspace.FullPath, members, cancellation) is { } problem)
        {
            workspace.Dispose();
            return problem;
        }

        return new PackagedModules(workspace, Path.Combine(workspace.FullPath, modules));
    }

    /// <summary>The kernel has it without a module.</summary>
    /// <param name="path">As for <see cref="ReadAsync"/>.</param>
    public bool IsBuiltIn(string path) => File.ReadLines(Path.Combine(folder, BuiltIn)).Contains($"kernel/{path}.ko");

    /// <summary>Reads a module, uncompressed.</summary>
    /// <param name="path">Its path below <c>/lib/modules/RELEASE/kernel</c>, without <c>.ko</c> and what follows.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<ReadOnlyMemory<byte>>> ReadAsync(string path, CancellationToken cancellation)
    {
        var file = Path.Combine(folder, "kernel", path);
        if (File.Exists(file + ".ko"))
        {
            return (ReadOnlyMemory<byte>)await File.ReadAllBytesAsync(file + ".ko", cancellation);
        }

        foreach (var (suffix, program) in new[] { (".ko.xz", "xz"), (".ko.zst", "zstd"), (".ko.gz", "gzip") })
        {
            if (!File.Exists(file + suffix))
            {
                continue;
            }

            var unpacked = await ProcessRunner.RunAsync(
                new ProcessRequest
                {
                    File = program,
                    Arguments = ["-dc", file + suffix],
                    OutputLimit = LargestModule,
                },
                cancellation
            );
            return unpacked.Succeeded
                ? unpacked.OutputBytes
                : new Problem(ProcessProblems.ToolFailed, $"{file}{suffix}: {unpacked.Describe()}");
        }

        return new Problem(VirtualMachineProblems.GuestJobInvalid, $"there is no {path}.ko");
    }

    /// <inheritdoc/>
    public void Dispose() => workspace.Dispose();
}
