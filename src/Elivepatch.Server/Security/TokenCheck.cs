// In: the secret of a token, or the token of a session. Out: the token, if it may be used now, or why not. The use is noted.

using System.Data.Common;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Security;

/// <summary>What came of a check.</summary>
/// <param name="Token">The token that may be used; null where none may.</param>
/// <param name="Refusal">Why none may; null where one may.</param>
internal sealed record CheckedToken(StoredToken? Token, string? Refusal);

/// <summary>Says whether a token may be used.</summary>
internal sealed partial class TokenCheck(TokenTable tokens, TimeProvider clock, ILogger<TokenCheck> log)
{
    /// <summary>Why something is no token at all.</summary>
    public const string NoToken = "it is not a token of this service";

    private static readonly TimeSpan usePrecision = TimeSpan.FromMinutes(1);

    /// <summary>Why a token may not be used at a time; null where it may.</summary>
    public static string? FindProblem(StoredToken? token, DateTimeOffset now) =>
        token switch
        {
            null => "the token is unknown",
            { Revoked: not null } => "the token has been revoked",
            { Expires: { } end } when end <= now => "the token has expired",
            _ => null,
        };

    /// <summary>The minute of a time: uses are noted to the minute.</summary>
    public static DateTimeOffset MinuteOf(DateTimeOffset time) =>
        new(time.UtcTicks - (time.UtcTicks % usePrecision.Ticks), TimeSpan.Zero);

    /// <summary>Checks a secret.</summary>
    public async Task<CheckedToken> CheckSecretAsync(string secret, CancellationToken cancellation) =>
        TokenSecret.IsWellFormed(secret)
            ? await CheckAsync(await tokens.FindByHashAsync(TokenSecret.Hash(secret), cancellation), cancellation)
            : new(null, NoToken);

    /// <summary>Checks a token that was found.</summary>
    public async Task<CheckedToken> CheckAsync(StoredToken? token, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        if (FindProblem(token, now) is { } why)
        {
            return new(null, why);
        }

        var minute = MinuteOf(now);
        if (token!.LastUsed != minute)
        {
            await RecordUseAsync(token, minute, cancellation);
        }

        return new(token, null);
    }

    /// <summary>
    /// Notes the use of a token. That it could not be noted, on a full disk for one, keeps nobody from reading.
    /// </summary>
    public async Task RecordUseAsync(StoredToken token, DateTimeOffset minute, CancellationToken cancellation)
    {
        try
        {
            await tokens.TouchAsync(token.Id, minute, cancellation);
        }
        catch (DbException e)
        {
            LogUseNotNoted(log, token.Id, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "the use of token {token} could not be noted: {reason}")]
    private static partial void LogUseNotNoted(ILogger logger, string token, string reason);
}
