namespace Elivepatch.Protocol.Api;

/// <summary>A token, without its secret.</summary>
/// <param name="Id">Identifies it in requests.</param>
/// <param name="Name">Its owner: a machine, a service or a person.</param>
/// <param name="Scopes">What it may do: of <see cref="TokenScopes"/>.</param>
/// <param name="Created">When it was created.</param>
/// <param name="Expires">When it expires; null for never.</param>
/// <param name="Revoked">When it was revoked; null if it was not.</param>
/// <param name="LastUsed">When it was last used, to the minute; null for never.</param>
public sealed record TokenView(
    string Id,
    string Name,
    IReadOnlyList<string> Scopes,
    DateTimeOffset Created,
    DateTimeOffset? Expires,
    DateTimeOffset? Revoked,
    DateTimeOffset? LastUsed
);

/// <summary>A request for a token.</summary>
/// <param name="Name">Its owner: a machine, a service or a person.</param>
/// <param name="Scopes">What it may do: of <see cref="TokenScopes"/>.</param>
/// <param name="ExpiresInDays">Days until it expires; null for never.</param>
public sealed record TokenRequest(string Name, IReadOnlyList<string> Scopes, int? ExpiresInDays = null);

/// <summary>A new token with its secret, which is shown only this once.</summary>
/// <param name="Token">The token.</param>
/// <param name="Secret">The secret to send after <c>Authorization: Bearer</c>.</param>
public sealed record NewToken(TokenView Token, string Secret);

/// <summary>Scopes of tokens.</summary>
public static class TokenScopes
{
    /// <summary>Send captures, parts of kernels and builds; cancel the token's own builds.</summary>
    public const string Submit = "submit";

    /// <summary>Read kernels, builds and their results.</summary>
    public const string Read = "read";

    /// <summary>Create and revoke tokens, cancel any build, remove kernels.</summary>
    public const string Operate = "operate";

    /// <summary>Run builds and return their results, as a worker.</summary>
    public const string Work = "work";

    /// <summary>Report the status of a machine.</summary>
    public const string Report = "report";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Submit, Read, Operate, Work, Report];
}
