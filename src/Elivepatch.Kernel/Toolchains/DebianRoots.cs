// In: a suite of the Debian archive. Out: a toolchain root of its packages. apt says which packages belong together, fetches them
// and checks them; they are unpacked and not configured, so that none of their scripts runs and nobody has to be root.

using System.Globalization;
using System.Text.RegularExpressions;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Packages;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>Makes toolchain roots of Debian's packages.</summary>
/// <param name="cache">Where packages and roots are kept.</param>
/// <param name="progress">Told of every step.</param>
public sealed partial class DebianRoots(CacheRoot cache, IProgress<StageEvent>? progress = null)
{
    /// <summary>What stands before the name of a suite.</summary>
    public const string Scheme = "debian:";

    private const string Stage = "toolchain";
    private const string HeadersPrefix = "linux-headers-";

    // What kbuild and the build of an external module run, and what the sandbox itself needs. Rust is for kernels that have it
    // compiled in: without it their configuration does not survive.
    private static readonly string[] tools =
    [
        "base-files",
        "bash",
        "bc",
        "bindgen",
        "binutils",
        "bison",
        "bzip2",
        "coreutils",
        "cpio",
        "dash",
        "diffutils",
        "findutils",
        "flex",
        "gcc",
        "grep",
        "gzip",
        "kmod",
        "libc6-dev",
        "libdw-dev",
        "libelf-dev",
        "libssl-dev",
        "make",
        "mawk",
        "openssl",
        "patch",
        "perl",
        "pkgconf",
        "python3-minimal",
        "rust-src",
        "rustc",
        "sed",
        "tar",
        "util-linux",
        "xz-utils",
        "zlib1g-dev",
        "zstd",
    ];

    /// <summary>Makes a root.</summary>
    /// <param name="suite">The suite.</param>
    /// <param name="compiler">The package of its compiler, as in <c>gcc-14</c>; null for that of the suite's newest kernel.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <param name="hasEmulator">It has the emulator of this machine's processor as well.</param>
    public async Task<Outcome<ToolchainRoot>> MakeAsync(
        DebianSuite suite,
        string? compiler,
        CancellationToken cancellation,
        bool hasEmulator = false
    )
    {
        using var held = await cache.LockAsync($"toolchain-{suite}", cancellation);
        var opened = await AptSources.OpenAsync(cache, suite, progress, cancellation);
        if (!opened.TryGet(out var sources))
        {
            return Outcome<ToolchainRoot>.Failure(opened.Problems);
        }

        compiler ??= await FindKernelCompilerAsync(new(cache, sources, progress), cancellation);
        var emulator = hasEmulator ? KernelArchitectures.Host?.Emulator.Package : null;
        var listed = await ListAsync(sources, [.. tools, .. ((string?[])[compiler, emulator]).OfType<string>()], cancellation);
        if (!listed.TryGet(out var files))
        {
            return Fail(listed.Problems);
        }

        // What is fetched stays until the root is made: a run that was ended goes on where it was.
        var archives = cache.EnsureFolder($"apt/{suite}/packages");
        if (await FetchAsync(sources, files, archives, cancellation) is { } problem)
        {
            return Fail([problem]);
        }

        using var workspace = cache.NewWorkspace();
        var root = Directory.CreateDirectory(Path.Combine(workspace.FullPath, "root")).FullName;
        var done = 0;
        if (
            await RootUnpacking.UnpackPackagesAsync(
                archives,
                [.. files.Select(f => f.Name)],
                root,
                name => Report(StageState.Running, $"unpack {PackageOf(name)}", Interlocked.Increment(ref done), files.Count),
                cancellation
            ) is
            { } fault
        )
        {
            return Fail([fault]);
        }

        Report(StageState.Running, "look what it has");
        var added = await new ToolchainRoots(cache).AddAsync(
            root,
            Scheme + suite,
            [.. files.Select(f => PackageOf(f.Name))],
            cancellation
        );
        if (!added.Succeeded)
        {
            return Fail(added.Problems);
        }

        Directory.Delete(archives, recursive: true);
        Report(StageState.Done, $"{Scheme}{suite}");
        return added;
    }

    /// <summary>The suites that offer a compiler of a version; none where it cannot be told.</summary>
    /// <param name="version">What the compiler says of itself, without its name.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<Source?>> FindAsync(string version, CancellationToken cancellation)
    {
        if (CompilerText.DebianVersionOf(version) is not { } packaged || CompilerText.MajorOf(version) is not { } major)
        {
            return (Source?)null;
        }

        var package = $"gcc-{major}";
        var problems = new List<Problem>();
        foreach (var suite in DebianSuite.Known)
        {
            var opened = await DebianArchive.OpenAsync(cache, suite, progress, cancellation);
            if (!opened.TryGet(out var archive))
            {
                problems.AddRange(opened.Problems);
                continue;
            }

            var offers = await archive.GetVersionsAsync([package], cancellation);
            if (!offers.TryGet(out var versions))
            {
                problems.AddRange(offers.Problems);
            }
            else if (versions[package].Any(p => p.Version == packaged))
            {
                return new Source(suite, package);
            }
        }

        return problems.Count == DebianSuite.Known.Count ? Outcome<Source?>.Failure(problems) : (Source?)null;
    }

    // Debian's headers need the compiler that built the kernel.
    private static async Task<string?> FindKernelCompilerAsync(DebianArchive archive, CancellationToken cancellation)
    {
        var names = await archive.GetNamesAsync(HeadersPrefix, cancellation);
        var offers = names.Succeeded
            ? await archive.GetVersionsAsync(names.Value, cancellation)
            : Outcome<Lookup<string, DebianPackage>>.Failure(names.Problems);
        return offers.Succeeded
            ? offers
                .Value.SelectMany(o => o)
                .OrderByDescending(p => p.Version, Comparer<string>.Create(DebianVersion.Compare))
                .Select(p => CompilerPattern().Match(p.Depends))
                .FirstOrDefault(m => m.Success)
                ?.Groups[1]
                .Value
            : null;
    }

    private async Task<Outcome<IReadOnlyList<PackageFile>>> ListAsync(
        AptSources sources,
        IReadOnlyList<string> packages,
        CancellationToken cancellation
    )
    {
        Report(StageState.Running, "choose packages");
        var result = await AptAsync(
            sources,
            ["-q", "-o", "Acquire::ForceHash=SHA256", "--print-uris", "--no-install-recommends", "--yes", "install", .. packages],
            null,
            cancellation
        );
        if (!result.Succeeded)
        {
            return new Problem(ToolchainProblems.RootNotMade, $"{sources.Suite}: {result.Describe()}");
        }

        var files = result
            .Output.Split('\n')
            .Select(l => FilePattern().Match(l))
            .Where(m => m.Success)
            .Select(m => new PackageFile(
                m.Groups["name"].Value,
                long.Parse(m.Groups["size"].ValueSpan, CultureInfo.InvariantCulture),
                new(m.Groups["digest"].Value)
            ))
            .OrderBy(f => f.Name, StringComparer.Ordinal)
            .ToList();
        return files.Count == 0
            ? new Problem(ToolchainProblems.RootNotMade, $"{sources.Suite}: apt-get names no packages")
            : files;
    }

    private async Task<Problem?> FetchAsync(
        AptSources sources,
        IReadOnlyList<PackageFile> files,
        string archives,
        CancellationToken cancellation
    )
    {
        Directory.CreateDirectory(Path.Combine(archives, "partial"));
        var total = files.Sum(f => f.Size);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var watching = FolderGrowth.WatchAsync(
            archives,
            size => Report(StageState.Running, $"fetch {files.Count} packages of {sources.Suite}", Math.Min(size, total), total),
            done.Token
        );
        ProcessResult result;
        try
        {
            result = await AptAsync(
                sources,
                [
                    "-q",
                    "-o",
                    $"Dir::Cache::archives={archives}/",
                    "-o",
                    "Debug::NoLocking=true",
                    "--no-install-recommends",
                    "--download-only",
                    "--yes",
                    "install",
                    .. files.Select(f => PackageOf(f.Name)),
                ],
                archives,
                cancellation
            );
        }
        finally
        {
            await done.CancelAsync();
            await watching;
        }

        if (!result.Succeeded)
        {
            return new(RecordProblems.DownloadFailed, $"packages of {sources.Suite}: {result.Describe()}");
        }

        foreach (var file in files)
        {
            var path = Path.Combine(archives, file.Name);
            if (!File.Exists(path) || await ContentDigest.OfFileAsync(path, cancellation) != file.Digest)
            {
                File.Delete(path);
                return new(RecordProblems.DownloadFailed, $"{PackageOf(file.Name)}: the file is not the one of the index");
            }
        }

        return null;
    }

    private static Task<ProcessResult> AptAsync(
        AptSources sources,
        IReadOnlyList<string> words,
        string? folder,
        CancellationToken cancellation
    ) =>
        ProcessRunner.RunAsync(
            sources.Request("apt-get", words) with
            {
                WorkingDirectory = folder,
                Timeout = TimeSpan.FromMinutes(60),
            },
            cancellation
        );

    // gcc-14_14.2.0-19_amd64.deb, where a colon of the version is written as %3a.
    private static string PackageOf(string file) =>
        file.Split('_') is [var name, var version, ..]
            ? $"{name}={version.Replace("%3a", ":", StringComparison.OrdinalIgnoreCase)}"
            : file;

    private Outcome<ToolchainRoot> Fail(IReadOnlyList<Problem> problems)
    {
        Report(StageState.Failed, "");
        return Outcome<ToolchainRoot>.Failure(problems);
    }

    private void Report(StageState state, string detail, long? done = null, long? total = null) =>
        progress?.Report(new(Stage, detail, state, done, total));

    [GeneratedRegex(@"(?:\A|, )(gcc-[0-9]+)(?:-for-host)?(?:,| |\z)")]
    private static partial Regex CompilerPattern();

    [GeneratedRegex(
        @"\A'[^']+' (?<name>[A-Za-z0-9][A-Za-z0-9.+~%_-]*\.deb) (?<size>[0-9]{1,12}) SHA256:(?<digest>[0-9a-f]{64})\s*\z"
    )]
    private static partial Regex FilePattern();

    /// <summary>Where a compiler can be had.</summary>
    /// <param name="Suite">The suite that offers it.</param>
    /// <param name="Package">Its package.</param>
    public sealed record Source(DebianSuite Suite, string Package);

    private sealed record PackageFile(string Name, long Size, ContentDigest Digest);
}
