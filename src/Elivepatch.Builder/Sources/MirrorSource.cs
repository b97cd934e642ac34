// In: a version. Out: the archive that kernel.org published of it, from a mirror or a folder. The mirror is not trusted: the file
// has to have the digest that the operator configured.

using Elivepatch.Kernel;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Builder.Sources;

/// <summary>Archives by version and digest.</summary>
internal sealed class MirrorSource(CacheRoot cache, SourceEntry entry) : IKernelSource, IDisposable
{
    private static readonly EntryKind Kind = new("downloads");
    private static readonly TimeSpan LongestDownload = TimeSpan.FromMinutes(30);
    private static readonly string[] Suffixes = [".tar.xz", ".tar.gz", ".tar.zst", ".tar.bz2", ".tar"];

    // Of a mirror that does not answer nobody waits long; one that answers slowly has its time.
    private readonly HttpClient client = new(
        new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(30), MaxAutomaticRedirections = 5 }
    )
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>How long a mirror may say nothing.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The most bytes of an archive.</summary>
    public long Largest { get; init; } = 1L << 30;

    /// <inheritdoc/>
    public string Name => $"the mirror {entry.Location}";

    /// <inheritdoc/>
    public bool HasBootImage => false;

    /// <inheritdoc/>
    public Task<string?> FindProblemAsync(SourceRequest request, CancellationToken cancellation) =>
        Task.FromResult(
            KernelVersion.Of(request.Release) is not { } version ? "the release has no version"
            : FileOf(version) is null ? $"its digests name no linux-{version.Text}.tar.*"
            : null
        );

    /// <inheritdoc/>
    public async Task<Outcome<ProvidedSource>> ProvideAsync(
        SourceRequest request,
        IProgress<StageEvent>? progress,
        CancellationToken cancellation
    )
    {
        if (KernelVersion.Of(request.Release) is not { } version || FileOf(version) is not { } name)
        {
            return new Problem(BuilderProblems.SourceNotProvided, $"{Name} does not have the source of {request.Release}");
        }

        var digest = new ContentDigest(entry.Digests[name]);
        progress?.Report(new("download", name, StageState.Running));
        var downloaded = await cache.GetAsync(
            Kind,
            digest,
            folder => DownloadAsync(request, version, name, digest, folder, cancellation),
            cancellation
        );
        progress?.Report(new("download", name, downloaded.Succeeded ? StageState.Done : StageState.Failed));
        return downloaded.Then<ProvidedSource>(folder => new ProvidedSource(null, Path.Combine(folder, name)));
    }

    /// <inheritdoc/>
    public void Dispose() => client.Dispose();

    private string? FileOf(KernelVersion version) =>
        Suffixes.Select(s => $"linux-{version.Text}{s}").FirstOrDefault(entry.Digests.ContainsKey);

    private async Task<Problem?> DownloadAsync(
        SourceRequest request,
        KernelVersion version,
        string name,
        ContentDigest digest,
        string folder,
        CancellationToken cancellation
    )
    {
        var from = Placeholders.Fill(entry.Location, request.Release, version).TrimEnd('/') + "/" + name;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(LongestDownload);
        using var quiet = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        try
        {
            await using var opened = await OpenAsync(from, quiet);
            await using var content = new IdleTimeoutStream(opened, quiet, Silence);
            await using var file = File.Create(Path.Combine(folder, name));
            var found = await ContentDigest.OfCopyAsync(content, file, Largest, quiet.Token);
            return found is null ? Failed(from, $"it has more than {Largest >> 20} MiB")
                : found == digest ? null
                : Failed(from, $"its SHA-256 is {found}, and {digest.Hex} is configured");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UnauthorizedAccessException)
        {
            return Failed(from, e.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Failed(
                from,
                limit.IsCancellationRequested
                    ? $"it was not there after {LongestDownload.TotalMinutes:0} minutes"
                    : $"nothing came for {Silence.TotalSeconds:0} s"
            );
        }
    }

    private async Task<Stream> OpenAsync(string from, CancellationTokenSource quiet)
    {
        if (!from.StartsWith("http://", StringComparison.Ordinal) && !from.StartsWith("https://", StringComparison.Ordinal))
        {
            return File.OpenRead(from);
        }

        quiet.CancelAfter(Silence);
        return await client.GetStreamAsync(new Uri(from), quiet.Token);
    }

    private static Problem Failed(string from, string reason) => new(RecordProblems.DownloadFailed, $"{from}: {reason}");
}
