// In: contents. Out: the same in the database, where all its servers have them. The folder keeps what this server has used of
// them: it can be emptied at any time.

using System.Collections.Concurrent;
using Elivepatch.Model;

namespace Elivepatch.Server.State.Postgres;

/// <summary>Contents in the database, and in a folder those that this machine uses.</summary>
internal sealed class PostgresBlobs(string cached, BlobTable table) : BlobStore(cached)
{
    // The clock of a file says when it was last used, to this precision.
    private static readonly TimeSpan usePrecision = TimeSpan.FromHours(1);

    // What is being fetched: whoever wants the same waits for it.
    private readonly ConcurrentDictionary<string, Lazy<Task>> fetching = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public override async ValueTask<string> PathAsync(string digest, CancellationToken cancellation)
    {
        var path = PathOf(digest);
        if (!IsHere(path))
        {
            // Who goes away does not take it from the others who wait.
            await fetching.GetOrAdd(digest, d => new(() => FetchAsync(d))).Value.WaitAsync(cancellation);
        }

        return path;
    }

    /// <inheritdoc/>
    public override Task RemoveUnlessPutAgainAsync(string digest, CancellationToken cancellation) =>
        // What the folder has of it is removed with the rest that nobody uses.
        table.RemoveUnlessPutAgainAsync(digest, cancellation);

    /// <inheritdoc/>
    public override Task<int> RemoveUnwantedAsync(Database database, CancellationToken cancellation) =>
        // The sweep does that for all servers.
        Task.FromResult(0);

    /// <summary>
    /// Removes what nothing refers to, and what this machine has not used: both since a time. Gives how many contents and how
    /// many files that were.
    /// </summary>
    public async Task<(int Contents, int Files)> SweepAsync(
        DateTimeOffset unwantedSince,
        DateTimeOffset unusedSince,
        CancellationToken cancellation
    )
    {
        var files = 0;
        foreach (var file in new DirectoryInfo(Folder).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            if (file.LastWriteTimeUtc >= unusedSince.UtcDateTime)
            {
                continue;
            }

            file.Delete();
            files++;
        }

        return (await table.SweepAsync(unwantedSince, cancellation), files);
    }

    /// <inheritdoc/>
    internal override void AddUpkeep(IServiceCollection services) => services.AddSingleton(this).AddHostedService<BlobSweep>();

    /// <inheritdoc/>
    private protected override async Task StoreAsync(string digest, string path, CancellationToken cancellation)
    {
        await table.PutAsync(digest, path, cancellation);
        Place(path, digest);
    }

    private async Task FetchAsync(string digest)
    {
        var path = NewIncoming();
        try
        {
            var isThere = false;
            await WriteAsync(path, async file => isThere = await table.GetAsync(digest, file, CancellationToken.None));
            if (!isThere)
            {
                throw new FileNotFoundException($"the content {digest} is not in the database");
            }

            if ((await ContentDigest.OfFileAsync(path, CancellationToken.None)).Hex != digest)
            {
                throw new IOException($"the content {digest} is damaged in the database");
            }

            Place(path, digest);
        }
        finally
        {
            File.Delete(path);
            fetching.TryRemove(digest, out _);
        }
    }

    // Says by the way that it is used.
    private static bool IsHere(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            return false;
        }

        var now = DateTime.UtcNow;
        if (now - file.LastWriteTimeUtc > usePrecision)
        {
            file.LastWriteTimeUtc = now;
        }

        return true;
    }
}
