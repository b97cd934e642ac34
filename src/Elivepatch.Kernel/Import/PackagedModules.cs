// In: the packages of a kernel. Out: its modules. They are unpacked together and once, compressed as they are, and one by one
// when somebody needs them.

using Elivepatch.Kernel.Packages;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Import;

/// <summary>Modules of a kernel (<c>.ko</c>), as its Debian package has them.</summary>
public sealed class PackagedModules
{
    private const string Version = "2";
    private const string BuiltIn = "modules.builtin";
    private const string Suffix = ".ko";

    // There are thousands, and a package is unpacked whole or not at all.
    private static readonly EntryKind Kind = new("packaged-modules", path => path == BuiltIn);

    // Members of a package that are to be unpacked, for tar: what is for the boot and for people is not.
    private static readonly string[] withoutOthers = ["--exclude=./boot", "--exclude=./usr/share"];

    private readonly string release;
    private readonly string folder;
    private readonly Lazy<Dictionary<string, string>> byName;

    private PackagedModules(string release, string folder)
    {
        this.release = release;
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

    /// <summary>Takes the modules out of a kernel's packages, which are fetched where they are missing.</summary>
    /// <param name="cache">Where packages and modules are kept.</param>
    /// <param name="release">The kernel, as <c>uname -r</c> has it.</param>
    /// <param name="origin">The packages that the kernel is from.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<PackagedModules>> OpenAsync(
        CacheRoot cache,
        string release,
        KernelOrigin origin,
        CancellationToken cancellation
    )
    {
        var packages = DebianKernel.BinariesOf(origin.Packages);
        var entry = await cache.GetAsync(
            Kind,
            ContentDigest.OfParts([Version, release, .. packages]),
            folder => UnpackAsync(cache, release, origin.Suite, packages, folder, cancellation),
            cancellation
        );
        return entry.Then<PackagedModules>(path => new PackagedModules(release, path));
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
            : new Problem(RecordProblems.ModuleMissing, $"the packages of {release} have no module {name}");

    private static async Task<Problem?> UnpackAsync(
        CacheRoot cache,
        string release,
        string? suiteName,
        IReadOnlyList<string> packages,
        string folder,
        CancellationToken cancellation
    )
    {
        var suite = suiteName is null ? null : DebianSuite.Parse(suiteName);
        if (suite is { Succeeded: false })
        {
            return suite.Problems[0];
        }

        var opened = await DebianArchive.OpenAsync(cache, suite?.Value, null, cancellation);
        if (!opened.TryGet(out var archive))
        {
            return opened.Problems[0];
        }

        var wanted = packages
            .Select(p => p.Split('=', 2))
            .Where(w => w.Length == 2)
            .Select(w => (Name: w[0], Version: w[1]))
            .ToList();
        var offered = await archive.GetVersionsAsync(wanted.Select(w => w.Name), cancellation);
        if (!offered.TryGet(out var offers))
        {
            return offered.Problems[0];
        }

        using var workspace = cache.NewWorkspace();
        foreach (var (name, version) in wanted)
        {
            if (offers[name].FirstOrDefault(p => p.Version == version) is not { } found)
            {
                return new(
                    RecordProblems.PackageMissing,
                    $"the modules of {release} are in {name}={version}, and that is not offered (any more)"
                );
            }

            var file = await archive.DownloadAsync(found, cancellation);
            if (!file.TryGet(out var path))
            {
                return file.Problems[0];
            }

            if (await Archives.UnpackDebianPackageAsync(path, workspace.FullPath, withoutOthers, cancellation) is { } problem)
            {
                return problem;
            }
        }

        // Debian moves what is in /lib to /usr/lib; its newer packages are made so.
        var places = new[] { "usr/lib/modules", "lib/modules" }
            .Select(p => Path.Combine(workspace.FullPath, p, release))
            .ToList();
        var modules = places.Select(p => Path.Combine(p, "kernel")).FirstOrDefault(Directory.Exists);
        var builtIn = places.Select(p => Path.Combine(p, BuiltIn)).FirstOrDefault(File.Exists);
        if (modules is null || builtIn is null)
        {
            return new(RecordProblems.PackageMissing, $"the packages of {release} have no modules, or no {BuiltIn}");
        }

        Directory.Move(modules, Path.Combine(folder, "kernel"));
        File.Move(builtIn, Path.Combine(folder, BuiltIn));
        return null;
    }
}
