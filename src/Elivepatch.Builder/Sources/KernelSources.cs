// In: a kernel. Out: its source, from the first configured place that has it; or ELP1018, with what each place said. What a
// client sent comes last and only where the operator takes that.

using System.Collections.Concurrent;
using System.IO.Enumeration;
using Elivepatch.Kernel;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Builder.Sources;

/// <summary>Finds the sources of kernels.</summary>
public sealed class KernelSources : IDisposable
{
    // Looking asks apt or a remote repository: not for every view of a kernel.
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(2);
    private const int MostRemembered = 10_000;

    private readonly List<(SourceEntry Entry, IKernelSource Source)> sources;
    private readonly TimeProvider clock;
    private readonly ConcurrentDictionary<(string Release, string BuildId), (SourceCoverage Coverage, long At)> known = new();

    /// <summary>Opens the places.</summary>
    public KernelSources(CacheRoot cache, IReadOnlyList<SourceEntry> entries, TimeProvider clock)
    {
        this.clock = clock;
        sources = [.. entries.Select(e => (e, Open(cache, e)))];
    }

    /// <summary>Whether a place has the source of a kernel, as far as can be told without downloading it.</summary>
    public async Task<SourceCoverage> GetCoverageAsync(SourceRequest request, CancellationToken cancellation)
    {
        var key = (request.Release, request.BuildId);
        if (known.TryGetValue(key, out var kept) && clock.GetElapsedTime(kept.At) < Remembered)
        {
            return kept.Coverage;
        }

        var tried = new List<string>();
        var coverage = new SourceCoverage(false, false, tried);
        foreach (var source in Asked(request.Release, tried))
        {
            if (await source.FindProblemAsync(request, cancellation) is { } reason)
            {
                tried.Add($"{source.Name}: {reason}");
                continue;
            }

            coverage = new(true, source.HasBootImage, tried);
            break;
        }

        if (known.Count >= MostRemembered)
        {
            known.Clear();
        }

        known[key] = (coverage, clock.GetTimestamp());
        return coverage;
    }

    /// <summary>Brings the source of a kernel.</summary>
    /// <param name="request">The kernel.</param>
    /// <param name="workspace">Where something may be put that is needed as long as the source is.</param>
    /// <param name="progress">Told of every step.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<ProvidedSource>> ProvideAsync(
        SourceRequest request,
        Workspace workspace,
        IProgress<StageEvent>? progress,
        CancellationToken cancellation
    )
    {
        var tried = new List<string>();
        foreach (var source in Asked(request.Release, tried))
        {
            if (await source.FindProblemAsync(request, cancellation) is { } reason)
            {
                tried.Add($"{source.Name}: {reason}");
                continue;
            }

            var provided = await source.ProvideAsync(request, progress, cancellation);
            if (provided.Succeeded)
            {
                return provided;
            }
            // A place that has another kernel does not have this one; one that fails may have it the next time.
            if (provided.Problems.Any(p => p.Code != RecordProblems.KernelContradicts))
            {
                return provided;
            }

            tried.Add($"{source.Name}: {provided.Problems[0].Reason}");
            known.TryRemove((request.Release, request.BuildId), out _);
        }

        return request.Uploaded is { } blob ? Uploaded(blob, workspace) : NotProvided(request.Release, tried);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, source) in sources)
        {
            (source as IDisposable)?.Dispose();
        }
    }

    private IEnumerable<IKernelSource> Asked(string release, List<string> tried)
    {
        foreach (var (entry, source) in sources)
        {
            if (FileSystemName.MatchesSimpleExpression(entry.Releases, release, ignoreCase: false))
            {
                yield return source;
            }
            else
            {
                tried.Add($"{source.Name}: it is for {entry.Releases}");
            }
        }
    }

    private static Outcome<ProvidedSource> Uploaded(string blob, Workspace workspace)
    {
        if (ArchiveForm.SuffixOf(blob) is not { } suffix)
        {
            return new Problem(RecordProblems.SourceUnusable, "the upload is not a tar archive, compressed or not");
        }
        // The name says how it is compressed; the content stays where it is.
        var link = Path.Combine(workspace.FullPath, "sent" + suffix);
        File.CreateSymbolicLink(link, Path.GetFullPath(blob));
        return new ProvidedSource(null, link);
    }

    private static Problem NotProvided(string release, List<string> tried) =>
        new(
            BuilderProblems.SourceNotProvided,
            $"{release}: {(tried.Count == 0 ? "no place is configured" : string.Join("; ", tried))}"
        );

    private static IKernelSource Open(CacheRoot cache, SourceEntry entry) =>
        entry.Origin switch
        {
            SourceOrigin.Debian => new DebianSource(cache),
            SourceOrigin.Mirror => new MirrorSource(cache, entry),
            SourceOrigin.Tree => new TreeSource(entry),
            SourceOrigin.Git => new GitSource(cache, entry),
            _ => throw new ArgumentOutOfRangeException(nameof(entry)),
        };
}
