using Elivepatch.Protocol.Api;
using Elivepatch.Server.Security;

namespace Elivepatch.Server.Pages;

/// <summary>What every page knows.</summary>
/// <param name="Now">The server's time.</param>
/// <param name="Path">The path that was asked for.</param>
/// <param name="SignedIn">The name of the token that signed in; null for nobody.</param>
/// <param name="TokenId">Its id; null for nobody.</param>
/// <param name="Scopes">What it may do.</param>
/// <param name="AntiForgeryValue">What the forms of this session carry; null without a session.</param>
public sealed record PageView(
    DateTimeOffset Now,
    string Path,
    string? SignedIn,
    string? TokenId,
    IReadOnlyList<string> Scopes,
    string? AntiForgeryValue
)
{
    /// <summary>What the page that a request asks for knows.</summary>
    internal static PageView Of(HttpContext context)
    {
        var caller = Caller.Of(context.User);
        var secret = caller is null ? null : SessionCookie.Read(context.Request);
        return new(
            context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow(),
            context.Request.Path.Value ?? "/",
            caller?.Name,
            caller?.Id,
            caller?.Scopes ?? [],
            secret is null ? null : SessionSecret.AntiForgeryValue(secret)
        );
    }

    /// <summary>True where the token may cancel a build that this token asked for first.</summary>
    internal bool MayCancel(string token) =>
        Scopes.Contains(TokenScopes.Submit) && (token == TokenId || Scopes.Contains(TokenScopes.Operate));
}
