// In: a version. Out: an archive of the commit that the tag vVERSION names, from a repository on this machine or elsewhere. The
// repository is the operator's choice and is trusted; of a machine's own git configuration nothing takes part.

using Elivepatch.Kernel;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Builder.Sources;

/// <summary>Sources from a git repository.</summary>
internal sealed class GitSource(CacheRoot cache, SourceEntry entry) : IKernelSource
{
    private const string ArchiveName = "linux.tar";
    private static readonly EntryKind Kind = new("git-archives");

    private static readonly Dictionary<string, string> Environment = new(StringComparer.Ordinal)
    {
        ["PATH"] = "/usr/local/bin:/usr/bin:/bin",
        ["LC_ALL"] = "C",
        ["HOME"] = "/nonexistent",
        ["GIT_CONFIG_NOSYSTEM"] = "1",
        ["GIT_CONFIG_GLOBAL"] = "/dev/null",
        ["GIT_TERMINAL_PROMPT"] = "0",
        ["GIT_ALLOW_PROTOCOL"] = "https:http:git:ssh:file",
    };

    /// <inheritdoc/>
    public string Name => $"the repository {entry.Location}";

    /// <inheritdoc/>
    public bool HasBootImage => false;

    private bool IsLocal => Path.IsPathRooted(entry.Location);

    /// <inheritdoc/>
    public async Task<string?> FindProblemAsync(SourceRequest request, CancellationToken cancellation)
    {
        var commit = await CommitAsync(request.Release, cancellation);
        return commit.Succeeded ? null : commit.Problems[0].Reason;
    }

    /// <inheritdoc/>
    public async Task<Outcome<ProvidedSource>> ProvideAsync(
        SourceRequest request,
        IProgress<StageEvent>? progress,
        CancellationToken cancellation
    )
    {
        var found = await CommitAsync(request.Release, cancellation);
        if (!found.TryGet(out var tagged))
        {
            return Outcome<ProvidedSource>.Failure(found.Problems);
        }

        progress?.Report(new("download", tagged.Tag, StageState.Running));
        var archived = await cache.GetAsync(
            Kind,
            ContentDigest.OfParts("git-1", tagged.Commit),
            folder => ArchiveAsync(tagged, folder, cancellation),
            cancellation
        );
        progress?.Report(new("download", tagged.Tag, archived.Succeeded ? StageState.Done : StageState.Failed));
        return archived.Then<ProvidedSource>(folder => new ProvidedSource(null, Path.Combine(folder, ArchiveName)));
    }

    private async Task<Outcome<Tagged>> CommitAsync(string release, CancellationToken cancellation)
    {
        if (KernelVersion.Of(release) is not { } version)
        {
            return new Problem(BuilderProblems.SourceNotProvided, "the release has no version");
        }

        var tag = "v" + version.Text;
        // A tag that is an object of its own is followed by the commit that it names.
        var result = IsLocal
            ? await GitAsync(
                ["-C", entry.Location, "rev-parse", "--verify", "--quiet", $"refs/tags/{tag}^{{commit}}"],
                cancellation
            )
            : await GitAsync(["ls-remote", "--tags", entry.Location, $"refs/tags/{tag}", $"refs/tags/{tag}^{{}}"], cancellation);
        if (result.ExitCode == 127)
        {
            return new Problem(ProcessProblems.ToolMissing, "git is not installed");
        }

        var line = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault();
        return result.Succeeded && line?.Split('\t')[0] is { Length: 40 or 64 } commit && commit.All(char.IsAsciiHexDigitLower)
            ? new Tagged(tag, commit)
            : new Problem(
                BuilderProblems.SourceNotProvided,
                result.Succeeded || IsLocal ? $"it has no tag {tag}" : result.Describe()
            );
    }

    private async Task<Problem?> ArchiveAsync(Tagged tagged, string folder, CancellationToken cancellation)
    {
        using var workspace = cache.NewWorkspace();
        var repository = entry.Location;
        if (!IsLocal)
        {
            repository = Path.Combine(workspace.FullPath, "repository");
            var cloned = await GitAsync(
                ["clone", "--quiet", "--bare", "--depth", "1", "--branch", tagged.Tag, entry.Location, repository],
                cancellation
            );
            if (!cloned.Succeeded)
            {
                return new(RecordProblems.DownloadFailed, $"{entry.Location}: {cloned.Describe()}");
            }
        }

        var archived = await GitAsync(
            [
                "-C",
                repository,
                "archive",
                "--format=tar",
                "--prefix=linux/",
                $"--output={Path.Combine(folder, ArchiveName)}",
                tagged.Commit,
            ],
            cancellation
        );
        return archived.Succeeded ? null : new(RecordProblems.DownloadFailed, $"{entry.Location}: {archived.Describe()}");
    }

    private static Task<ProcessResult> GitAsync(string[] arguments, CancellationToken cancellation) =>
        ProcessRunner.RunAsync(
            new ProcessRequest
            {
                File = "git",
                // A repository of another user's is the operator's choice as well.
                Arguments = ["-c", "safe.directory=*", .. arguments],
                Environment = Environment,
                Timeout = TimeSpan.FromMinutes(30),
            },
            cancellation
        );

    private sealed record Tagged(string Tag, string Commit);
}
