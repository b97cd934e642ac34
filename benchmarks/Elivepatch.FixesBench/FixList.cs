// In: the older source, prepared, and the package of the newer one. Out: the C files that differ, and where each of them belongs.

using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Packages;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.FixesBench;

/// <summary>What a C file is to the older kernel.</summary>
internal enum FixPlace
{
    /// <summary>Its configuration does not build the file.</summary>
    NotInKernel,

    /// <summary>It is part of vmlinux.</summary>
    Vmlinux,

    /// <summary>It is part of a module.</summary>
    Module,
}

/// <summary>A C file that differs.</summary>
/// <param name="Path">Its path in the source.</param>
/// <param name="Place">What it is to the older kernel.</param>
internal sealed record FixCandidate(string Path, FixPlace Place);

/// <summary>All that differs between two versions.</summary>
/// <param name="Candidates">C files, in order of path.</param>
/// <param name="Headers">Headers, in order of path.</param>
internal sealed record FixList(IReadOnlyList<FixCandidate> Candidates, IReadOnlyList<string> Headers)
{
    private const string Kept = "list";

    // Of these no code of an x86 kernel comes.
    private static readonly string[] Skipped =
    [
        "Documentation",
        "LICENSES",
        "debian",
        "rust",
        "samples",
        "scripts",
        "tools",
        "usr",
    ];

    /// <summary>Finds them; the newer text of each file that differs is kept in the state folder.</summary>
    public static async Task<FixList> GetAsync(
        OlderKernel kernel,
        SourceVersions versions,
        DebianArchive packages,
        StateFolder state,
        CacheRoot cache,
        CancellationToken cancellation
    )
    {
        if (state.Find(Kept, Kept, FixesJson.Default.FixList) is { } known)
        {
            return known;
        }

        Console.Error.WriteLine($"comparing {versions.From} with {versions.To}");
        var package = BenchFailure.Demand(await packages.DownloadAsync(versions.To, cancellation));
        var archive = BenchFailure.Demand(
            await new SourceArchives(cache).AddPackageAsync(package, versions.To.Digest, cancellation)
        );
        using var workspace = cache.NewWorkspace();
        if (await Archives.UnpackSourceAsync(archive.FilePath, workspace.FullPath, cancellation) is { } problem)
        {
            throw new BenchFailure(problem.ToString());
        }

        var differing = Differing(kernel.Tree, workspace.FullPath).Order(StringComparer.Ordinal).ToList();
        foreach (var path in differing)
        {
            var copy = state.Newer(path);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(Path.Combine(workspace.FullPath, path), copy, overwrite: true);
        }

        var files = differing.Where(p => p.EndsWith(".c", StringComparison.Ordinal) && kernel.Tree.HasFile(p)).ToList();
        var built = BenchFailure
            .Demand(await new KbuildCommands(cache).ForBuiltUnitsAsync(kernel.Tree, files, cancellation))
            .ToDictionary(c => c.Unit, c => c.IsModule ? FixPlace.Module : FixPlace.Vmlinux);
        var list = new FixList(
            [.. files.Select(f => new FixCandidate(f, built.GetValueOrDefault(f, FixPlace.NotInKernel)))],
            [.. differing.Where(p => p.EndsWith(".h", StringComparison.Ordinal))]
        );
        state.Keep(Kept, Kept, list, FixesJson.Default.FixList);
        return list;
    }

    /// <summary>The files that are asked for, whatever they are to the kernel.</summary>
    public IReadOnlyList<FixCandidate> In(FixesOptions options) =>
        [
            .. Candidates.Where(c =>
                options.Only.Count > 0
                    ? options.Only.Contains(c.Path)
                    : options.Folders.Any(f => c.Path.StartsWith(f.TrimEnd('/') + "/", StringComparison.Ordinal))
            ),
        ];

    /// <summary>
    /// The files to build a livepatch of. A sample takes every so-manieth of them in order of folder, and within a folder in that
    /// of the digests of names: each folder has its share, and it is the same sample each time.
    /// </summary>
    public IReadOnlyList<FixCandidate> Select(FixesOptions options)
    {
        var wanted = In(options)
            .Where(c => c.Place == FixPlace.Vmlinux || (options.WithModules && c.Place == FixPlace.Module))
            .ToList();
        if (options.Sample is not { } size || size >= wanted.Count)
        {
            return wanted;
        }

        var ordered = wanted
            .OrderBy(c => Path.GetDirectoryName(c.Path), StringComparer.Ordinal)
            .ThenBy(c => ContentDigest.OfParts(c.Path).Hex, StringComparer.Ordinal)
            .ToList();
        return
        [
            .. Enumerable
                .Range(0, size)
                .Select(i => ordered[(int)((((2L * i) + 1) * ordered.Count) / (2L * size))])
                .OrderBy(c => c.Path, StringComparer.Ordinal),
        ];
    }

    private static IEnumerable<string> Differing(PreparedTree older, string newer) =>
        from top in Directory.EnumerateDirectories(newer)
        where !Skipped.Contains(Path.GetFileName(top))
        from folder in Path.GetFileName(top) == "arch" ? [Path.Combine(top, "x86")] : new[] { top }
        from file in Directory.EnumerateFiles(
            folder,
            "*.?",
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }
        )
        where file[^2..] is ".c" or ".h"
        let path = Path.GetRelativePath(newer, file)
        where
            !older.HasFile(path)
            || !File.ReadAllBytes(file).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(older.Folder, path)))
        select path;
}
