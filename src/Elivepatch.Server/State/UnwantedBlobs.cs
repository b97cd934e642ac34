// In: contents in the folder, and what the database refers to. Out: only those contents that it refers to. What a killed server had
// stored and not yet referred to goes here too. Where several servers share the database, the database removes them (BlobSweep).

using Dapper;

namespace Elivepatch.Server.State;

/// <summary>Removes contents that nothing refers to.</summary>
internal sealed class UnwantedBlobs(BlobStore blobs, Database database)
{
    /// <summary>Removes them, and gives how many there were.</summary>
    public async Task<int> RemoveAsync(CancellationToken cancellation)
    {
        if (database.Postgres is not null)
            return 0;
        // The contents first: what is referred to meanwhile is seen then.
        var settled = blobs.Settled();
        var wanted = await database.ReadAsync(
            async c => (await c.QueryAsync<string>(BlobReferences.All)).ToHashSet(StringComparer.Ordinal), cancellation);
        var removed = 0;
        foreach (var digest in settled.Where(d => !wanted.Contains(d)))
        {
            // Nobody begins to refer to it while this transaction has the file: there is one writer at a time.
            removed += await database.ChangeAsync(
                async t => await t.Connection!.ExecuteScalarAsync<long>(
                    $"SELECT COUNT(*) WHERE {BlobReferences.NoneTo("@digest")}", new { digest }, t) == 1 && blobs.Remove(digest) ? 1 : 0,
                cancellation);
        }

        return removed;
    }
}
