namespace Elivepatch.Server.State;

/// <summary>A token, of whose secret only the digest is known.</summary>
/// <param name="Id">Names it.</param>
/// <param name="Name">Its owner: a machine, a service or a person.</param>
/// <param name="Hash">SHA-256 of the secret, hexadecimal.</param>
/// <param name="Scopes">What it may do.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Expires">When it expires; null for never.</param>
/// <param name="Revoked">When it was revoked; null if it was not.</param>
/// <param name="LastUsed">When it was last used, to the minute; null for never.</param>
public sealed record StoredToken(
    string Id,
    string Name,
    string Hash,
    IReadOnlyList<string> Scopes,
    DateTimeOffset Created,
    DateTimeOffset? Expires = null,
    DateTimeOffset? Revoked = null,
    DateTimeOffset? LastUsed = null
);
