using Dapper;

namespace Elivepatch.Server.State;

/// <summary>Who is signed in to the page. A session ends with its time, with its token, or by signing out.</summary>
public sealed class SessionTable(Database database)
{
    /// <summary>The most sessions of one token: signing in once more ends the oldest.</summary>
    public const int MostOfToken = 32;

    /// <summary>Begins a session, and forgets those that are over.</summary>
    /// <param name="hash">SHA-256 of its secret, hexadecimal.</param>
    /// <param name="token">The token that signed in.</param>
    /// <param name="now">When.</param>
    /// <param name="expires">When it ends.</param>
    /// <param name="cancellation">Ends the call.</param>
    public Task BeginAsync(
        string hash,
        string token,
        DateTimeOffset now,
        DateTimeOffset expires,
        CancellationToken cancellation
    ) =>
        database.ChangeAsync(
            async transaction =>
            {
                var connection = transaction.Connection!;
                await connection.ExecuteAsync(
                    "DELETE FROM sessions WHERE expires <= @now",
                    new { now = UnixMilliseconds.From(now) },
                    transaction
                );
                await connection.ExecuteAsync(
                    """
                    DELETE FROM sessions WHERE token = @token AND hash NOT IN
                        (SELECT hash FROM sessions WHERE token = @token ORDER BY created DESC, hash LIMIT @others)
                    """,
                    new { token, others = MostOfToken - 1 },
                    transaction
                );
                return await connection.ExecuteAsync(
                    "INSERT INTO sessions (hash, token, created, expires) VALUES (@hash, @token, @created, @expires)",
                    new
                    {
                        hash,
                        token,
                        created = UnixMilliseconds.From(now),
                        expires = UnixMilliseconds.From(expires),
                    },
                    transaction
                );
            },
            cancellation
        );

    /// <summary>Finds the token of a session that lasts; null where there is no such session.</summary>
    public Task<string?> FindTokenAsync(string hash, DateTimeOffset now, CancellationToken cancellation) =>
        database.ReadAsync(
            c =>
                c.ExecuteScalarAsync<string?>(
                    "SELECT token FROM sessions WHERE hash = @hash AND expires > @now",
                    new { hash, now = UnixMilliseconds.From(now) }
                ),
            cancellation
        );

    /// <summary>Ends a session.</summary>
    public Task EndAsync(string hash, CancellationToken cancellation) =>
        database.ChangeAsync(
            t => t.Connection!.ExecuteAsync("DELETE FROM sessions WHERE hash = @hash", new { hash }, t),
            cancellation
        );
}
