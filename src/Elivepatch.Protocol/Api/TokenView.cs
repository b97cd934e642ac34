namespace Elivepatch.Protocol.Api;

/// <summary>A token, without its secret.</summary>
/// <param name="Id">Names it in requests.</param>
/// <param name="Name">Who or what has it.</param>
/// <param name="Scopes">What it may do: of <see cref="TokenScopes"/>.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Expires">When it ends; null for never.</param>
/// <param name="Revoked">When it was revoked; null where it was not.</param>
/// <param name="LastUsed">When it was last used, to the minute; null for never.</param>
public sealed record TokenView(
    string Id, string Name, IReadOnlyList<string> Scopes, DateTimeOffset Created, DateTimeOffset? Expires, DateTimeOffset? Revoked,
    DateTimeOffset? LastUsed);

/// <summary>A token that somebody asks for.</summary>
/// <param name="Name">Who or what will have it.</param>
/// <param name="Scopes">What it may do: of <see cref="TokenScopes"/>.</param>
/// <param name="ExpiresInDays">Days until it ends; null for never.</param>
public sealed record TokenRequest(string Name, IReadOnlyList<string> Scopes, int? ExpiresInDays = null);

/// <summary>A new token with its secret, which is shown this once.</summary>
/// <param name="Token">The token.</param>
/// <param name="Secret">What goes behind <c>Authorization: Bearer</c>.</param>
public sealed record NewToken(TokenView Token, string Secret);

/// <summary>What tokens may do.</summary>
public static class TokenScopes
{
    /// <summary>Send captures, parts of kernels and builds, and cancel one's own builds.</summary>
    public const string Submit = "submit";

    /// <summary>Read kernels, builds and what they made.</summary>
    public const string Read = "read";

    /// <summary>Make and revoke tokens, cancel any build, remove kernels.</summary>
    public const string Operate = "operate";

    /// <summary>Take up builds and return results: a builder's.</summary>
    public const string Work = "work";

    /// <summary>Say how a machine is.</summary>
    public const string Report = "report";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Submit, Read, Operate, Work, Report];
}
