// In: what a client sends, and what is to be done with it. Out: what came of that. A blob that nothing refers to afterwards is
// removed at once: whoever may send must not be able to fill the disk with what is refused.

using Dapper;
using Elivepatch.Model;

namespace Elivepatch.Server.State;

/// <summary>Blobs that clients send.</summary>
public sealed class UploadedBlobs(BlobStore blobs, Database database)
{
    /// <summary>Stores what a client sends, uses it, and keeps it if something refers to it then.</summary>
    /// <param name="content">What is sent.</param>
    /// <param name="most">How many bytes are taken.</param>
    /// <param name="use">Given the digest, takes it into use or refuses it.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<T>> UseAsync<T>(
        Stream content,
        long most,
        Func<string, Task<Outcome<T>>> use,
        CancellationToken cancellation
    )
    {
        var stored = await blobs.PutAsync(content, most, cancellation);
        if (!stored.TryGet(out var digest))
        {
            return Outcome<T>.Failure(stored.Problems);
        }

        try
        {
            return await use(digest);
        }
        finally
        {
            // Whoever went away meanwhile leaves nothing either.
            if (!await IsReferredToAsync(digest))
            {
                await blobs.RemoveUnlessPutAgainAsync(digest, CancellationToken.None);
            }
        }
    }

    private Task<bool> IsReferredToAsync(string digest) =>
        database.ReadAsync(
            async c =>
                await c.ExecuteScalarAsync<long>($"SELECT COUNT(*) WHERE {BlobReferences.NoneTo("@digest")}", new { digest })
                == 0,
            CancellationToken.None
        );
}
