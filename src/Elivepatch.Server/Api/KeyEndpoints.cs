using Elivepatch.Protocol.Api;
using Elivepatch.Server.Signing;

namespace Elivepatch.Server.Api;

/// <summary>The public keys, which everybody may know.</summary>
internal static class KeyEndpoints
{
    /// <summary>Adds the endpoint.</summary>
    public static void Map(IEndpointRouteBuilder routes) =>
        routes
            .MapGet(ApiRoutes.Keys, (KeyRing keys) => keys.List())
            .AllowAnonymous()
            .Describe(
                "keys",
                "listKeys",
                "Lists the server's public keys; each but the current one has an endorsement of its successor."
            );
}
