// In: what somebody wants a token for. Out: the token with its secret, of which the server keeps the digest alone, or why there
// is none.

using System.Security.Cryptography;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Security;

/// <summary>Makes tokens.</summary>
internal static class TokenIssuer
{
    private const int LongestName = 100;
    private const int MostDays = 3650;

    /// <summary>Makes and stores a token.</summary>
    public static async Task<Outcome<NewToken>> IssueAsync(
        TokenTable tokens,
        TokenRequest request,
        DateTimeOffset now,
        CancellationToken cancellation
    )
    {
        if (Refusal(request) is { } reason)
        {
            return new Problem(ServerProblems.RequestMalformed, reason);
        }

        if (await tokens.CountAsync(cancellation) >= TokenTable.MostTokens)
        {
            return new Problem(ServerProblems.RequestMalformed, $"there are {TokenTable.MostTokens} tokens already");
        }

        var (token, secret) = Make(request, now);
        await tokens.AddAsync(token, cancellation);
        return new NewToken(View(token), secret);
    }

    /// <summary>
    /// Makes and stores a token where there is none yet; of several servers that start at once, one does. Null for the others.
    /// </summary>
    public static async Task<NewToken?> IssueFirstAsync(
        TokenTable tokens,
        TokenRequest request,
        DateTimeOffset now,
        CancellationToken cancellation
    )
    {
        var (token, secret) = Make(request, now);
        return await tokens.AddFirstAsync(token, cancellation) ? new NewToken(View(token), secret) : null;
    }

    /// <summary>A token as others see it.</summary>
    public static TokenView View(StoredToken token) =>
        new(token.Id, token.Name, token.Scopes, token.Created, token.Expires, token.Revoked, token.LastUsed);

    private static (StoredToken Token, string Secret) Make(TokenRequest request, DateTimeOffset now)
    {
        var secret = TokenSecret.Create();
        return (
            new(
                Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)),
                request.Name,
                TokenSecret.Hash(secret),
                [.. TokenScopes.All.Where(request.Scopes.Contains)],
                now,
                request.ExpiresInDays is { } days ? now.AddDays(days) : null
            ),
            secret
        );
    }

    private static string? Refusal(TokenRequest request)
    {
        if (request.Name is not { Length: > 0 and <= LongestName } name || name.Any(char.IsControl) || name.Trim() != name)
        {
            return $"a token's name has 1 to {LongestName} printable characters";
        }

        if (request.Scopes is not { Count: > 0 })
        {
            return $"a token needs a scope: {string.Join(", ", TokenScopes.All)}";
        }
        // JSON may have put a null among them.
        if (request.Scopes.Any(s => s is null || !TokenScopes.All.Contains(s)))
        {
            return $"a token has no other scopes than {string.Join(", ", TokenScopes.All)}";
        }

        return request.ExpiresInDays is < 1 or > MostDays ? $"a token is for 1 to {MostDays} days, or without end" : null;
    }
}
