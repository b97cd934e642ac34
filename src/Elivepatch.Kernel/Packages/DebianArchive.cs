// In: names of packages. Out: what the archive offers of them, and their files. Only apt talks to the network: it has the
// machine's proxies and keys, and checks the signatures. Nothing is installed.

using System.Globalization;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Kernel.Packages;

/// <summary>The Debian archive as apt sees it.</summary>
/// <param name="cache">Where packages are kept.</param>
/// <param name="sources">Where apt takes them from.</param>
/// <param name="progress">Told of downloads.</param>
public sealed class DebianArchive(CacheRoot cache, AptSources sources, IProgress<StageEvent>? progress = null)
{
    private const string Stage = "download";
    private static readonly EntryKind Kind = new("packages");

    /// <summary>The suite that it is; null for what this machine's own sources offer.</summary>
    public DebianSuite? Suite => sources.Suite;

    /// <summary>The archive of a suite.</summary>
    /// <param name="cache">Where packages and lists are kept.</param>
    /// <param name="suite">The suite; null for what this machine's own sources offer.</param>
    /// <param name="progress">Told of downloads.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<DebianArchive>> OpenAsync(
        CacheRoot cache,
        DebianSuite? suite,
        IProgress<StageEvent>? progress,
        CancellationToken cancellation
    )
    {
        var sources = await AptSources.OpenAsync(cache, suite, progress, cancellation);
        return sources.Then<DebianArchive>(s => new DebianArchive(cache, s, progress));
    }

    /// <summary>
    /// The versions that are offered of each of these packages, newest first; none for one that is not offered.
    /// </summary>
    public async Task<Outcome<Lookup<string, DebianPackage>>> GetVersionsAsync(
        IEnumerable<string> names,
        CancellationToken cancellation
    )
    {
        var wanted = names.ToHashSet(StringComparer.Ordinal);
        var outcome = await AptAsync("apt-cache", ["show", "--all-versions", .. wanted], cancellation);
        return outcome.Then<Lookup<string, DebianPackage>>(text =>
            (Lookup<string, DebianPackage>)(
                Stanzas(text)
                    .Select(Read)
                    .OfType<DebianPackage>()
                    .Where(p => wanted.Contains(p.Name))
                    .Distinct()
                    .OrderByDescending(p => p.Version, Comparer<string>.Create(DebianVersion.Compare))
                    .ToLookup(p => p.Name, StringComparer.Ordinal)
            )
        );
    }

    /// <summary>Names of packages that begin so.</summary>
    public async Task<Outcome<IReadOnlyList<string>>> GetNamesAsync(string prefix, CancellationToken cancellation)
    {
        var outcome = await AptAsync("apt-cache", ["pkgnames", prefix], cancellation);
        return outcome.Then<IReadOnlyList<string>>(text => text.Split('\n', StringSplitOptions.RemoveEmptyEntries).ToList());
    }

    /// <summary>The file of a package, downloaded where the cache does not have it.</summary>
    public async Task<Outcome<string>> DownloadAsync(DebianPackage package, CancellationToken cancellation)
    {
        var made = false;
        var entry = await cache.GetAsync(
            Kind,
            package.Digest,
            folder =>
            {
                made = true;
                return DownloadAsync(package, folder, cancellation);
            },
            cancellation
        );
        Report(
            package,
            entry.Succeeded
                ? made
                    ? StageState.Done
                    : StageState.Cached
                : StageState.Failed,
            package.Size
        );
        return entry.Then<string>(folder => Directory.GetFiles(folder, "*.deb")[0]);
    }

    private async Task<Problem?> DownloadAsync(DebianPackage package, string folder, CancellationToken cancellation)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var watching = FolderGrowth.WatchAsync(
            folder,
            size => Report(package, StageState.Running, Math.Min(size, package.Size)),
            done.Token
        );
        try
        {
            // As root, apt would hand the download to a user who cannot write into our folder.
            var result = await ProcessRunner.RunAsync(
                sources.Request(
                    "apt-get",
                    ["-o", $"APT::Sandbox::User={Environment.UserName}", "-q", "download", package.ToString()]
                ) with
                {
                    WorkingDirectory = folder,
                    Timeout = TimeSpan.FromMinutes(30),
                },
                cancellation
            );
            if (!result.Succeeded)
            {
                return new(RecordProblems.DownloadFailed, $"{package}: {result.Describe()}");
            }
        }
        finally
        {
            await done.CancelAsync();
            await watching;
        }
        if (Directory.GetFiles(folder, "*.deb") is not [var file])
        {
            return new(RecordProblems.DownloadFailed, $"{package}: apt-get left no file");
        }

        return await ContentDigest.OfFileAsync(file, cancellation) == package.Digest
            ? null
            : new Problem(RecordProblems.DownloadFailed, $"{package}: the file is not the one of the index");
    }

    private async Task<Outcome<string>> AptAsync(string file, string[] arguments, CancellationToken cancellation)
    {
        var result = await ProcessRunner.RunAsync(sources.Request(file, arguments) with { OutputLimit = 64 << 20 }, cancellation);
        if (result.ExitCode == 127)
        {
            return new Problem(
                ProcessProblems.ToolMissing,
                $"{file} is not installed: Debian's packages can only be had on Debian"
            );
        }
        // apt-cache answers 100 where it knows no such package.
        return result.Succeeded ? result.Output
            : result.ExitCode == 100 ? ""
            : new Problem(ProcessProblems.ToolFailed, $"{file} {string.Join(' ', arguments)}: {result.Describe()}");
    }

    private static IEnumerable<Dictionary<string, string>> Stanzas(string text)
    {
        foreach (var block in text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var fields = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var line in block.Split('\n').Where(l => !l.StartsWith(' ')))
            {
                if (line.Split(": ", 2) is [var name, var value])
                {
                    fields[name] = value;
                }
            }
            yield return fields;
        }
    }

    private static DebianPackage? Read(Dictionary<string, string> fields) =>
        fields.TryGetValue("Package", out var name)
        && fields.TryGetValue("Version", out var version)
        && fields.TryGetValue("SHA256", out var digest)
        && ContentDigest.IsHex(digest)
        && long.TryParse(fields.GetValueOrDefault("Size"), CultureInfo.InvariantCulture, out var size)
            ? new(name, version, new(digest), size, fields.GetValueOrDefault("Depends", ""))
            : null;

    private void Report(DebianPackage package, StageState state, long done) =>
        progress?.Report(new(Stage, package.Name, state, done, package.Size));
}
