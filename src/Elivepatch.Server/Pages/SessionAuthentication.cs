// In: a request for a page. Out: whose it is, by the cookie of somebody who signed in with a token. The token is looked at each
// time: a session ends the moment its token does. The interface for machines takes no cookie, and the pages no header.

using System.Text.Encodings.Web;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Server.Http;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Elivepatch.Server.Pages;

/// <summary>Finds out whose request for a page it is.</summary>
internal sealed class SessionAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logs,
    UrlEncoder encoder,
    SessionTable sessions,
    TokenTable tokens,
    TokenCheck check,
    TimeProvider clock
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logs, encoder)
{
    /// <summary>The scheme of the cookie.</summary>
    public const string SchemeName = "Session";

    /// <inheritdoc/>
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (SessionCookie.Read(Request) is not { } secret)
        {
            return AuthenticateResult.NoResult();
        }

        if (await sessions.FindTokenAsync(SessionSecret.Hash(secret), clock.GetUtcNow(), Context.RequestAborted) is not { } id)
        {
            return AuthenticateResult.Fail("the session is over");
        }

        var (token, why) = await check.CheckAsync(await tokens.FindAsync(id, Context.RequestAborted), Context.RequestAborted);
        if (token is null)
        {
            return AuthenticateResult.Fail(why!);
        }

        var caller = new Caller(token.Id, token.Name, token.Scopes);
        return AuthenticateResult.Success(new(caller.ToPrincipal(SchemeName), SchemeName));
    }

    /// <inheritdoc/>
    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var result = await HandleAuthenticateOnceSafeAsync();
        var isRead = HttpMethods.IsGet(Request.Method);
        Response.StatusCode = StatusCodes.Status303SeeOther;
        Response.Headers.Location = PageRoutes.SignInAndReturn(
            isRead ? Request.Path + Request.QueryString : PageRoutes.Builds,
            isOver: result.Failure is not null
        );
    }

    /// <inheritdoc/>
    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        ProblemResponses.WriteAsync(
            Context,
            new Problem(
                ServiceProblems.ScopeMissing,
                $"it needs the scope {Context.GetEndpoint()?.Metadata.GetMetadata<NeededScope>()?.Name ?? "another"}"
            )
        );
}
