using System.ComponentModel;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Http;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Api;

/// <summary>Tokens: list, make, revoke.</summary>
internal static class TokenEndpoints
{
    /// <summary>Adds the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes
            .MapGet(ApiRoutes.Tokens, ListAsync)
            .RequireScope(TokenScopes.Operate)
            .Describe("tokens", "listTokens", "Lists the tokens, newest first, without their secrets.");
        routes
            .MapPost(ApiRoutes.Tokens, MakeAsync)
            .Produces<NewToken>(StatusCodes.Status201Created)
            .RequireScope(TokenScopes.Operate)
            .Describe("tokens", "createToken", "Creates a token. Its secret is only in this answer.");
        routes
            .MapDelete(Routes.Token, RevokeAsync)
            .Produces(StatusCodes.Status204NoContent)
            .RequireScope(TokenScopes.Operate)
            .Describe("tokens", "revokeToken", "Revokes a token.");
    }

    private static async Task<IReadOnlyList<TokenView>> ListAsync(TokenTable tokens, CancellationToken cancellation) =>
        [.. (await tokens.ListAsync(cancellation)).Select(TokenIssuer.View)];

    private static async Task<IResult> MakeAsync(
        HttpContext context,
        TokenRequest request,
        TokenTable tokens,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var issued = await TokenIssuer.IssueAsync(tokens, request, clock.GetUtcNow(), cancellation);
        if (!issued.TryGet(out var made))
        {
            return ProblemResponses.Create(issued.Problems);
        }

        AuditTrail.SetSubject(context, made.Token.Id);
        return TypedResults.Created(ApiRoutes.Token(made.Token.Id), made);
    }

    private static async Task<IResult> RevokeAsync(
        [Description("The token's ID.")] string token,
        TokenTable tokens,
        TokenCache known,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        if (!await tokens.RevokeAsync(token, clock.GetUtcNow(), cancellation))
        {
            return ProblemResponses.Create(ServerProblems.TokenUnknown, "no token has this id");
        }

        known.Clear();
        return TypedResults.NoContent();
    }
}
