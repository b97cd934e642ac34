using System.Data.Common;
using System.Text.Encodings.Web;
using Elivepatch.Engine;
using Elivepatch.Server.Api;
using Elivepatch.Server.State;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Elivepatch.Server.Security;

/// <summary>Finds out whose request it is by <c>Authorization: Bearer SECRET</c>.</summary>
internal sealed partial class TokenAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logs, UrlEncoder encoder, TokenTable tokens, KnownTokens known,
    TimeProvider clock)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logs, encoder)
{
    /// <summary>The scheme of the header.</summary>
    public const string SchemeName = "Bearer";

    private static readonly TimeSpan usePrecision = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var headers = Request.Headers.Authorization;
        if (headers.Count == 0)
            return AuthenticateResult.NoResult();
        if (headers.Count > 1 || headers[0] is not { } header
            || !header.StartsWith(SchemeName + " ", StringComparison.OrdinalIgnoreCase))
            return AuthenticateResult.Fail("the header has no bearer token");
        var secret = header[(SchemeName.Length + 1)..].Trim();
        if (!TokenSecret.IsWellFormed(secret))
            return AuthenticateResult.Fail("it is no token of this service");

        var now = clock.GetUtcNow();
        if (await known.FindAsync(secret, Context.RequestAborted) is not { } found)
            return AuthenticateResult.Fail("the token is unknown");
        var token = found.Token;
        if (token.Revoked is not null)
            return AuthenticateResult.Fail("the token has been revoked");
        if (token.Expires <= now)
            return AuthenticateResult.Fail("the token has expired");
        await NoteUseAsync(found, now);
        return AuthenticateResult.Success(new(found.Caller, SchemeName));
    }

    /// <inheritdoc/>
    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var result = await HandleAuthenticateOnceSafeAsync();
        Response.Headers.WWWAuthenticate = SchemeName;
        await Answers.WriteAsync(
            Context, new Problem(ProblemCodes.TokenRefused, result.Failure?.Message ?? "the request has no token"));
    }

    /// <inheritdoc/>
    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var needed = Context.GetEndpoint()?.Metadata.GetMetadata<NeededScope>()?.Name ?? "another";
        var has = string.Join(", ", Caller.Of(Context.User)?.Scopes ?? []);
        return Answers.WriteAsync(
            Context, new Problem(ProblemCodes.ScopeMissing, $"it needs the scope {needed}, and the token has {has}"));
    }

    // That a use could not be noted, on a full disk for one, keeps nobody from reading.
    private async Task NoteUseAsync(KnownToken known, DateTimeOffset now)
    {
        var minute = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % usePrecision.Ticks), TimeSpan.Zero);
        if (!known.HasToNote(minute))
            return;
        try
        {
            await tokens.TouchAsync(known.Token.Id, minute, Context.RequestAborted);
        }
        catch (DbException e)
        {
            LogUseNotNoted(Logger, known.Token.Id, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "the use of token {token} could not be noted: {reason}")]
    private static partial void LogUseNotNoted(ILogger logger, string token, string reason);
}
