using System.Security.Claims;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.Security;

/// <summary>Who asks: the token of a request.</summary>
/// <param name="Id">The token's id.</param>
/// <param name="Name">The token's name.</param>
/// <param name="Scopes">What it may do.</param>
internal sealed record Caller(string Id, string Name, IReadOnlyList<string> Scopes)
{
    /// <summary>The type of a claim that gives a scope.</summary>
    public const string ScopeClaim = "scope";

    /// <summary>True for whoever may do more than a client.</summary>
    public bool IsOperator => Scopes.Contains(TokenScopes.Operate);

    /// <summary>Who makes this request; null for nobody that is known.</summary>
    public static Caller? Of(ClaimsPrincipal user) =>
        user.Identity is { IsAuthenticated: true, Name: { } name } && user.FindFirstValue(ClaimTypes.NameIdentifier) is { } id
            ? new(id, name, [.. user.FindAll(ScopeClaim).Select(c => c.Value)])
            : null;

    /// <summary>The caller as the framework has it.</summary>
    public ClaimsPrincipal ToPrincipal(string scheme) =>
        new(
            new ClaimsIdentity(
                [new(ClaimTypes.NameIdentifier, Id), new(ClaimTypes.Name, Name), .. Scopes.Select(s => new Claim(ScopeClaim, s))],
                scheme
            )
        );
}
