// In: a build's id. Out: the build, and what a client is answered. A build that was refused never changes again, one that has
// succeeded only if its module is withdrawn, and a module never does: what is answered is made once, and kept as long as the
// memory that is set aside for it lasts, or until something is withdrawn.

using System.Data.Common;
using System.Text.Json;
using Elivepatch.Protocol.Api;
using Microsoft.Extensions.Caching.Memory;

namespace Elivepatch.Server.State;

/// <summary>Builds, those that are over from memory.</summary>
public sealed class BuildCache(BuildTable builds, WithdrawalTable withdrawals, BlobStore blobs, TimeProvider clock) : IDisposable
{
    /// <summary>The most bytes of a content that is kept in memory.</summary>
    public const long LargestContent = 2 << 20;

    // Bytes of all that is kept, and of what comes with each build: about as much as its answer again, as objects.
    private const long Memory = 128 << 20;
    private const int Overhead = 512;

    // Another server may have removed a build for its age. A use is noted as often.
    private static readonly TimeSpan believed = TimeSpan.FromHours(1);

    // As long as a token: so long another server, or the command, may have withdrawn something. What is given out asks by itself.
    private static readonly TimeSpan withdrawalsBelieved = TimeSpan.FromSeconds(2);
    private readonly MemoryCache kept = new(new MemoryCacheOptions { SizeLimit = Memory });
    private long newestWithdrawal;

    // When that was asked, a timestamp; 0 for never.
    private long looked;

    /// <summary>Finds a build; null where there is none.</summary>
    public async ValueTask<StoredBuild?> FindAsync(string id, CancellationToken cancellation) =>
        (await KnownAsync(id, cancellation) ?? await AskAsync(id, cancellation))?.Build;

    /// <summary>The build as clients see it, UTF-8 of JSON; null where there is none.</summary>
    public async ValueTask<byte[]?> GetJsonAsync(string id, CancellationToken cancellation) =>
        (await KnownAsync(id, cancellation) ?? await AskAsync(id, cancellation))?.Json;

    /// <summary>Content of at most <see cref="LargestContent"/> bytes, by its digest.</summary>
    public async ValueTask<byte[]> GetContentAsync(string digest, CancellationToken cancellation)
    {
        if (kept.TryGetValue<byte[]>(new ContentKey(digest), out var known))
        {
            return known!;
        }

        var content = await blobs.ReadAsync(digest, cancellation);
        return kept.Set(new ContentKey(digest), content, new MemoryCacheEntryOptions { Size = content.Length + Overhead });
    }

    /// <summary>Says that somebody fetches what a build made; false where it has been removed for its age.</summary>
    public async ValueTask<bool> RecordUseAsync(StoredBuild build, CancellationToken cancellation)
    {
        var known = kept.Get<Ended>(build.Id);
        if (known?.Noted is { } noted && clock.GetElapsedTime(noted) < believed)
        {
            return true;
        }

        try
        {
            var isThere = await builds.RecordUseAsync(build, cancellation);
            if (!isThere)
            {
                kept.Remove(build.Id);
            }
            else if (known is not null)
            {
                known.Noted = clock.GetTimestamp();
            }

            return isThere;
        }
        catch (DbException)
        {
            // That a use cannot be noted, on a full disk for one, keeps nobody from reading.
            return true;
        }
    }

    /// <summary>Asks the database about all of them again: some have been removed.</summary>
    public void Clear() => kept.Clear();

    /// <inheritdoc/>
    public void Dispose() => kept.Dispose();

    private async ValueTask<Ended?> KnownAsync(string id, CancellationToken cancellation)
    {
        await LookForWithdrawalsAsync(cancellation);
        return kept.Get<Ended>(id);
    }

    private async ValueTask LookForWithdrawalsAsync(CancellationToken cancellation)
    {
        var last = Volatile.Read(ref looked);
        if (last != 0 && clock.GetElapsedTime(last) < withdrawalsBelieved)
        {
            return;
        }
        // One request looks; the others are answered meanwhile.
        Volatile.Write(ref looked, clock.GetTimestamp());
        try
        {
            var newest = await withdrawals.GetNewestAsync(cancellation);
            if (Interlocked.Exchange(ref newestWithdrawal, newest) != newest)
            {
                Clear();
            }
        }
        catch (DbException)
        {
            // It says how builds stood; what is given out asks by itself.
        }
    }

    private async Task<Ended?> AskAsync(string id, CancellationToken cancellation)
    {
        if (await builds.FindAsync(id, cancellation) is not { } build)
        {
            return null;
        }

        var found = new Ended(build, JsonSerializer.SerializeToUtf8Bytes(BuildViews.Of(build), ProtocolJson.Default.BuildView));
        if (build.State is BuildState.Succeeded or BuildState.Refused && !build.IsToBeBuiltAnew)
        {
            kept.Set(
                id,
                found,
                new MemoryCacheEntryOptions
                {
                    Size = (2 * found.Json.Length) + Overhead,
                    AbsoluteExpirationRelativeToNow = believed,
                }
            );
        }

        return found;
    }

    // Builds and contents are both named by digests.
    private sealed record ContentKey(string Digest);

    private sealed record Ended(StoredBuild Build, byte[] Json)
    {
        // When a use was noted, a timestamp.
        public long? Noted { get; set; }
    }
}
