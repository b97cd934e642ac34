// In: a build's id. Out: the build, and what a client is answered. A build that has succeeded or was refused never changes again, and a
// module never does: what is answered is made once, and kept as long as the memory that is set aside for it lasts.

using System.Text.Json;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;
using Microsoft.Extensions.Caching.Memory;

namespace Elivepatch.Server.Api;

/// <summary>Builds, those that are over from memory.</summary>
public sealed class BuildAnswers(BuildTable builds, BlobStore blobs) : IDisposable
{
    /// <summary>The most bytes of a content that is kept in memory.</summary>
    public const long LargestContent = 2 << 20;

    // Bytes of all that is kept, and of what comes with each build: about as much as its answer again, as objects.
    private const long Memory = 128 << 20;
    private const int Overhead = 512;
    private readonly MemoryCache kept = new(new MemoryCacheOptions { SizeLimit = Memory });

    /// <summary>Finds a build; null where there is none.</summary>
    public async ValueTask<StoredBuild?> FindAsync(string id, CancellationToken cancellation) =>
        kept.TryGetValue<Ended>(id, out var known) ? known!.Build : await AskAsync(id, cancellation) is { } found ? found.Build : null;

    /// <summary>The build as clients see it, UTF-8 of JSON; null where there is none.</summary>
    public async ValueTask<byte[]?> JsonAsync(string id, CancellationToken cancellation) =>
        kept.TryGetValue<Ended>(id, out var known) ? known!.Json : (await AskAsync(id, cancellation))?.Json;

    /// <summary>Content of at most <see cref="LargestContent"/> bytes, by its digest.</summary>
    public async ValueTask<byte[]> ContentAsync(string digest, CancellationToken cancellation)
    {
        if (kept.TryGetValue<byte[]>(new ContentKey(digest), out var known))
            return known!;
        var content = await blobs.ReadAsync(digest, cancellation);
        return kept.Set(new ContentKey(digest), content, new MemoryCacheEntryOptions { Size = content.Length + Overhead });
    }

    /// <inheritdoc/>
    public void Dispose() => kept.Dispose();

    private async Task<Ended?> AskAsync(string id, CancellationToken cancellation)
    {
        if (await builds.FindAsync(id, cancellation) is not { } build)
            return null;
        var found = new Ended(build, JsonSerializer.SerializeToUtf8Bytes(BuildViews.Of(build), ProtocolJson.Default.BuildView));
        if (build.State is BuildState.Succeeded or BuildState.Refused)
            kept.Set(id, found, new MemoryCacheEntryOptions { Size = (2 * found.Json.Length) + Overhead });
        return found;
    }

    // Builds and contents are both named by digests.
    private sealed record ContentKey(string Digest);

    private sealed record Ended(StoredBuild Build, byte[] Json);
}
