using Microsoft.AspNetCore.Authorization;

namespace Elivepatch.Server.Security;

/// <summary>What an endpoint asks of a token, as its metadata.</summary>
/// <param name="Name">One of <see cref="Protocol.Api.TokenScopes"/>.</param>
internal sealed record NeededScope(string Name);

/// <summary>Says on endpoints what they ask of a token.</summary>
internal static class ScopedEndpoints
{
    /// <summary>Only tokens with this scope may ask.</summary>
    public static TBuilder RequireScope<TBuilder>(this TBuilder endpoint, string scope)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint
            .RequireAuthorization(
                new AuthorizationPolicyBuilder(TokenAuthentication.SchemeName).RequireClaim(Caller.ScopeClaim, scope).Build()
            )
            .WithMetadata(new NeededScope(scope));
}
