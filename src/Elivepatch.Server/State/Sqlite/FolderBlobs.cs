// In: contents, and what the database refers to. Out: files in a folder, which only this server has: those that it refers to.
// What a killed server had stored and not yet referred to goes too.

using Dapper;
using Elivepatch.Model;

namespace Elivepatch.Server.State.Sqlite;

/// <summary>Contents in a folder of the state.</summary>
public sealed class FolderBlobs : BlobStore
{
    // No request takes longer from the first byte of a content to the row that refers to it. By a clock that nobody sets.
    private static readonly TimeSpan longestUse = TimeSpan.FromHours(2);
    private readonly Lock gate = new();

    // How often this process has stored a content, and when last: by that, one who stored something unwanted knows that nobody
    // else wants it, and what somebody is about to refer to stays.
    private readonly Dictionary<string, (int Count, long At)> puts = new(StringComparer.Ordinal);

    /// <summary>Opens the store, and makes it where it is not.</summary>
    public FolderBlobs(string folder)
        : this(folder, isAlone: true) { }

    private FolderBlobs(string folder, bool isAlone)
        : base(folder)
    {
        if (isAlone)
        {
            ClearIncoming();
        }
    }

    /// <summary>Opens the store of a server that may be running: what is on its way there is left alone.</summary>
    public static FolderBlobs OpenBeside(string folder) => new(folder, isAlone: false);

    /// <inheritdoc/>
    public override ValueTask<string> PathAsync(string digest, CancellationToken cancellation) =>
        ValueTask.FromResult(PathOf(digest));

    /// <inheritdoc/>
    public override Task RemoveUnlessPutAgainAsync(string digest, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (puts.GetValueOrDefault(digest).Count == 1)
            {
                puts.Remove(digest);
                File.Delete(PathOf(digest));
            }
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override async Task<int> RemoveUnwantedAsync(Database database, CancellationToken cancellation)
    {
        // The contents first: what is referred to meanwhile is seen then.
        var settled = Settled();
        var wanted = await database.ReadAsync(
            async c => (await c.QueryAsync<string>(BlobReferences.All)).ToHashSet(StringComparer.Ordinal),
            cancellation
        );
        var removed = 0;
        foreach (var digest in settled.Where(d => !wanted.Contains(d)))
        {
            // Nobody begins to refer to it while this transaction has the file: there is one writer at a time.
            removed += await database.ChangeAsync(
                async t =>
                    await t.Connection!.ExecuteScalarAsync<long>(
                        $"SELECT COUNT(*) WHERE {BlobReferences.NoneTo("@digest")}",
                        new { digest },
                        t
                    ) == 1
                    && Remove(digest)
                        ? 1
                        : 0,
                cancellation
            );
        }

        return removed;
    }

    /// <inheritdoc/>
    internal override void AddUpkeep(IServiceCollection services)
    {
        // What nothing refers to is removed with what is old.
    }

    /// <inheritdoc/>
    private protected override Task StoreAsync(string digest, string path, CancellationToken cancellation)
    {
        lock (gate)
        {
            Place(path, digest);
            puts[digest] = (puts.GetValueOrDefault(digest).Count + 1, Environment.TickCount64);
        }

        return Task.CompletedTask;
    }

    // Those that nobody has stored lately: who wanted to refer to one of them has done so.
    private List<string> Settled()
    {
        lock (gate)
        {
            foreach (var (digest, _) in puts.Where(p => !IsLate(p.Value.At)).ToList())
            {
                puts.Remove(digest);
            }

            return
            [
                .. Directory
                    .EnumerateDirectories(Folder, "??")
                    .SelectMany(Directory.EnumerateFiles)
                    .Select(p => Path.GetFileName(p))
                    .Where(d => ContentDigest.IsHex(d) && !puts.ContainsKey(d)),
            ];
        }
    }

    // False where somebody has stored it lately.
    private bool Remove(string digest)
    {
        lock (gate)
        {
            if (puts.ContainsKey(digest))
            {
                return false;
            }

            File.Delete(PathOf(digest));
            return true;
        }
    }

    private static bool IsLate(long at) => Environment.TickCount64 - at < longestUse.TotalMilliseconds;
}
