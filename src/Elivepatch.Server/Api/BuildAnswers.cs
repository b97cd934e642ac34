// In: a build's id. Out: the build, and what a client is answered. A build that has succeeded or was refused never changes again: what
// it is answered with is made once, and kept as long as memory that is set aside for it lasts.

using System.Text.Json;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;
using Microsoft.Extensions.Caching.Memory;

namespace Elivepatch.Server.Api;

/// <summary>Builds, those that are over from memory.</summary>
public sealed class BuildAnswers(BuildTable builds) : IDisposable
{
    // Bytes of all answers together, and of what is kept beside each: about the same again, as objects.
    private const long Memory = 64 << 20;
    private const int Overhead = 512;
    private readonly MemoryCache ended = new(new MemoryCacheOptions { SizeLimit = Memory });

    /// <summary>Finds a build; null where there is none.</summary>
    public async ValueTask<StoredBuild?> FindAsync(string id, CancellationToken cancellation) =>
        ended.TryGetValue<Ended>(id, out var known) ? known!.Build : await AskAsync(id, cancellation) is { } found ? found.Build : null;

    /// <summary>The build as clients see it, UTF-8 of JSON; null where there is none.</summary>
    public async ValueTask<byte[]?> JsonAsync(string id, CancellationToken cancellation) =>
        ended.TryGetValue<Ended>(id, out var known) ? known!.Json : (await AskAsync(id, cancellation))?.Json;

    /// <inheritdoc/>
    public void Dispose() => ended.Dispose();

    private async Task<Ended?> AskAsync(string id, CancellationToken cancellation)
    {
        if (await builds.FindAsync(id, cancellation) is not { } build)
            return null;
        var found = new Ended(build, JsonSerializer.SerializeToUtf8Bytes(BuildViews.Of(build), ProtocolJson.Default.BuildView));
        if (build.State is BuildState.Succeeded or BuildState.Refused)
            ended.Set(id, found, new MemoryCacheEntryOptions { Size = (2 * found.Json.Length) + Overhead });
        return found;
    }

    private sealed record Ended(StoredBuild Build, byte[] Json);
}
