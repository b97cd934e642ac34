using System.Text.Encodings.Web;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Server.Http;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Elivepatch.Server.Security;

/// <summary>Finds out whose request it is by <c>Authorization: Bearer SECRET</c>.</summary>
internal sealed class TokenAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logs,
    UrlEncoder encoder,
    TokenCache known,
    TokenCheck check,
    TimeProvider clock
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logs, encoder)
{
    /// <summary>The scheme of the header.</summary>
    public const string SchemeName = "Bearer";

    /// <inheritdoc/>
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var headers = Request.Headers.Authorization;
        if (headers.Count == 0)
        {
            return AuthenticateResult.NoResult();
        }

        if (
            headers.Count > 1
            || headers[0] is not { } header
            || !header.StartsWith(SchemeName + " ", StringComparison.OrdinalIgnoreCase)
        )
        {
            return AuthenticateResult.Fail("the header has no bearer token");
        }

        var secret = header[(SchemeName.Length + 1)..].Trim();
        if (!TokenSecret.IsWellFormed(secret))
        {
            return AuthenticateResult.Fail(TokenCheck.NoToken);
        }

        var now = clock.GetUtcNow();
        var found = await known.FindAsync(secret, Context.RequestAborted);
        if (TokenCheck.FindProblem(found?.Token, now) is { } why)
        {
            return AuthenticateResult.Fail(why);
        }

        var minute = TokenCheck.MinuteOf(now);
        if (found!.ShouldRecordUse(minute))
        {
            await check.RecordUseAsync(found.Token, minute, Context.RequestAborted);
        }

        return AuthenticateResult.Success(new(found.Caller, SchemeName));
    }

    /// <inheritdoc/>
    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var result = await HandleAuthenticateOnceSafeAsync();
        Response.Headers.WWWAuthenticate = SchemeName;
        await ProblemResponses.WriteAsync(
            Context,
            new Problem(ServiceProblems.TokenRefused, result.Failure?.Message ?? "the request has no token")
        );
    }

    /// <inheritdoc/>
    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var needed = Context.GetEndpoint()?.Metadata.GetMetadata<NeededScope>()?.Name ?? "another";
        var has = string.Join(", ", Caller.Of(Context.User)?.Scopes ?? []);
        return ProblemResponses.WriteAsync(
            Context,
            new Problem(ServiceProblems.ScopeMissing, $"it needs the scope {needed}, and the token has {has}")
        );
    }
}
