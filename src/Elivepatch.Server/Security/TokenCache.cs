// In: the secret of a request. Out: whose it is. A token that was found is believed for two seconds without asking the database
// again, which a client that asks often would otherwise be most of the work of. So long a revoked token may still be used at
// another server than the one that revoked it.

using System.Collections.Concurrent;
using System.Security.Claims;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Security;

/// <summary>The tokens that were used lately.</summary>
internal sealed class TokenCache(TokenTable tokens, TimeProvider clock)
{
    private const int Most = 10_000;
    private static readonly TimeSpan believed = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<string, CachedToken> known = new(StringComparer.Ordinal);

    /// <summary>Finds a token by its secret, whether it may still be used or not; null where there is none.</summary>
    public async ValueTask<CachedToken?> FindAsync(string secret, CancellationToken cancellation)
    {
        var hash = TokenSecret.Hash(secret);
        if (known.TryGetValue(hash, out var found) && clock.GetElapsedTime(found.QueriedAt) < believed)
        {
            return found;
        }

        var asked = clock.GetTimestamp();
        // What is wrong is not kept: whoever guesses must not fill the memory.
        if (await tokens.FindByHashAsync(hash, cancellation) is not { } token)
        {
            known.TryRemove(hash, out _);
            return null;
        }

        if (known.Count >= Most)
        {
            known.Clear();
        }

        var caller = new Caller(token.Id, token.Name, token.Scopes).ToPrincipal(TokenAuthentication.SchemeName);
        return known[hash] = new(token, caller, asked, found?.RecordedUse ?? token.LastUsed);
    }

    /// <summary>Asks the database about all of them again: one has been revoked here.</summary>
    public void Clear() => known.Clear();
}

/// <summary>A token that was used lately.</summary>
/// <param name="token">The token.</param>
/// <param name="caller">Its owner as the framework has it.</param>
/// <param name="asked">When the database was asked, a timestamp.</param>
/// <param name="noted">The minute of its last use that is noted.</param>
internal sealed class CachedToken(StoredToken token, ClaimsPrincipal caller, long asked, DateTimeOffset? noted)
{
    private readonly Lock gate = new();

    /// <summary>The token.</summary>
    public StoredToken Token => token;

    /// <summary>Its owner as the framework has it.</summary>
    public ClaimsPrincipal Caller => caller;

    /// <summary>When the database was asked, a timestamp.</summary>
    public long QueriedAt => asked;

    /// <summary>The minute of its last use that is noted.</summary>
    public DateTimeOffset? RecordedUse { get; private set; } = noted;

    /// <summary>True for the one request in this minute that has to note the use.</summary>
    public bool ShouldRecordUse(DateTimeOffset minute)
    {
        if (RecordedUse == minute)
        {
            return false;
        }

        lock (gate)
        {
            if (RecordedUse == minute)
            {
                return false;
            }

            RecordedUse = minute;
            return true;
        }
    }
}
