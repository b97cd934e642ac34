// In: the package of a kernel's image. Out: its modules. They are unpacked together and once, compressed as they are, and one by
// one when somebody needs them.
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Import;

/// <summary>Modules of a kernel (<c>.ko</c>), as its Debian package has them.</summary>
public sealed class PackagedModules
{
    private const string Version = "1";
    private const string BuiltIn = "modules.builtin";
    private const string Suffix = ".ko";

    // There are thousands, and a package is unpacked whole or not at all.
    private static readonly EntryKind Kind = new("packaged-modules", path => path == BuiltIn);

    private readonly string package;
    private readonly string folder;
    private readonly Lazy<Dictionary<string, string>> byName;

    private PackagedModules(string package, string folder)
    {
        this.package = package;
        this.folder = folder;
        byName = new(() =>
            Directory
                .EnumerateFiles(folder, $"*{Suffix}*", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
                .GroupBy(ModuleName.OfFile)
                .ToDictionary(g => g.Key, g => g.First(), StringComparer.Ordinal)
        );
    }

    /// <summary>Names of all of them.</summary>
    public IReadOnlyCollection<string> Names => byName.Value.Keys;

    /// <summary>Takes the modules out of a kernel's package, which is fetched where it is missing.</summary>
    /// <param name="cache">Where packages and modules are kept.</param>
    /// <param name="release">The kernel, as <c>uname -r</c> has it.</param>
    /// <param name="package">The package of its image, as <c>name=version</c>.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<PackagedModules>> OpenAsync(
        CacheRoot cache,
        string release,
        string package,
        CancellationToken cancellation
    )
    {
        var entry = await cache.GetAsync(
            Kind,
            ContentDigest.OfParts(Version, release, package),
            folder => UnpackAsync(cache, release, package, folder, cancellation),
            cancellation
        );
        return entry.Then<PackagedModules>(path => new PackagedModules(package, path));
    }

    /// <summary>The kernel has it without a module.</summary>
    /// <param name="path">Its path below <c>/lib/modules/RELEASE/kernel</c>, without suffix.</param>
    public bool IsBuiltIn(string path) => File.ReadLines(Path.Combine(folder, BuiltIn)).Contains($"kernel/{path}{Suffix}");

    /// <summary>Reads a module, uncompressed.</summary>
    /// <param name="name">Its name, as the kernel calls it.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<ReadOnlyMemory<byte>>> ReadAsync(string name, CancellationToken cancellation) =>
        byName.Value.TryGetValue(name, out var path)
            ? await ModuleContent.ReadAsync(name, await File.ReadAllBytesAsync(path, cancellation), cancellation)
            : new Problem(RecordProblems.ModuleMissing, $"{package} has no module {name}");

    private static async Task<Problem?> UnpackAsync(
        CacheRoot cache,
        string release,
        string package,
        string folder,
        CancellationToken cancellation
    )
    {
        var (name, version) = package.Split('=', 2) is [var first, var second] ? (first, second) : (package, "");
        var offered = await DebianArchive.GetVersionsAsync([name], cancellation);
        if (!offered.TryGet(out var offers))
        {
            return offered.Problems[0];
        }

        if (offers[name].FirstOrDefault(p => p.Version == version) is not { } found)
        {
            return new(
                RecordProblems.PackageMissing,
                $"the modules of {release} are in {package}, and that is not offered (any more)"
            );
        }

        var file = await new DebianArchive(cache).DownloadAsync(found, cancellation);
        if (!file.TryGet(out var archive))
        {
            return file.Problems[0];
        }

        using var workspace = cache.NewWorkspace();
        var modules = $"lib/modules/{release}";
        if (await Archives.UnpackDebianPackageAsync(archive, workspace.FullPath, [$"./{modules}"], cancellation) is { } problem)
        {
            return problem;
        }

        var unpacked = Path.Combine(workspace.FullPath, modules);
        Directory.Move(Path.Combine(unpacked, "kernel"), Path.Combine(folder, "kernel"));
        File.Move(Path.Combine(unpacked, BuiltIn), Path.Combine(folder, BuiltIn));
        return null;
    }
}
