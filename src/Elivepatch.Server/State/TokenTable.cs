using System.Data.Common;
using Dapper;

namespace Elivepatch.Server.State;

/// <summary>The tokens.</summary>
public sealed class TokenTable(Database database)
{
    /// <summary>The most tokens that a list shows.</summary>
    public const int MostTokens = 10_000;

    private const string Columns = "SELECT id, name, hash, scopes, created, expires, revoked, last_used FROM tokens";

    /// <summary>Adds a token.</summary>
    public Task AddAsync(StoredToken token, CancellationToken cancellation) =>
        database.ChangeAsync(t => AddAsync(token, t), cancellation);

    /// <summary>Adds a token where there has never been one; false where there has.</summary>
    public Task<bool> AddFirstAsync(StoredToken token, CancellationToken cancellation) =>
        database.ChangeAsync(
            async t =>
            {
                if (await t.Connection!.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM tokens", transaction: t) > 0)
                {
                    return false;
                }

                await AddAsync(token, t);
                return true;
            },
            cancellation
        );

    /// <summary>Finds a token by the digest of its secret, whether it may still be used or not.</summary>
    public Task<StoredToken?> FindByHashAsync(string hash, CancellationToken cancellation) =>
        database.ReadAsync(
            async c => (await c.QuerySingleOrDefaultAsync<Row>(Columns + " WHERE hash = @hash", new { hash }))?.ToToken(),
            cancellation
        );

    /// <summary>Finds a token by its id, whether it may still be used or not.</summary>
    public Task<StoredToken?> FindAsync(string id, CancellationToken cancellation) =>
        database.ReadAsync(
            async c => (await c.QuerySingleOrDefaultAsync<Row>(Columns + " WHERE id = @id", new { id }))?.ToToken(),
            cancellation
        );

    /// <summary>All tokens, newest first; revoked and expired ones too.</summary>
    public Task<IReadOnlyList<StoredToken>> ListAsync(CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<StoredToken>>(
            async c =>
                [
                    .. (
                        await c.QueryAsync<Row>(Columns + " ORDER BY created DESC, id LIMIT @most", new { most = MostTokens })
                    ).Select(r => r.ToToken()),
                ],
            cancellation
        );

    /// <summary>How many tokens there have ever been.</summary>
    public Task<long> CountAsync(CancellationToken cancellation) =>
        database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM tokens"), cancellation);

    /// <summary>
    /// Revokes a token. One that is revoked already keeps its time. False where there is none.
    /// </summary>
    public Task<bool> RevokeAsync(string id, DateTimeOffset now, CancellationToken cancellation) =>
        database.ChangeAsync(
            async t =>
                await t.Connection!.ExecuteAsync(
                    "UPDATE tokens SET revoked = COALESCE(revoked, @now) WHERE id = @id",
                    new { id, now = UnixMilliseconds.From(now) },
                    t
                ) == 1,
            cancellation
        );

    /// <summary>Says that a token has been used.</summary>
    public Task TouchAsync(string id, DateTimeOffset used, CancellationToken cancellation) =>
        database.ChangeAsync(
            t =>
                t.Connection!.ExecuteAsync(
                    "UPDATE tokens SET last_used = @used WHERE id = @id",
                    new { id, used = UnixMilliseconds.From(used) },
                    t
                ),
            cancellation
        );

    private static Task<int> AddAsync(StoredToken token, DbTransaction transaction) =>
        transaction.Connection!.ExecuteAsync(
            """
            INSERT INTO tokens (id, name, hash, scopes, created, expires)
            VALUES (@Id, @Name, @Hash, @scopes, @created, @expires)
            """,
            new
            {
                token.Id,
                token.Name,
                token.Hash,
                scopes = string.Join(' ', token.Scopes),
                created = UnixMilliseconds.From(token.Created),
                expires = token.Expires is { } expires ? UnixMilliseconds.From(expires) : default(long?),
            },
            transaction
        );

    // Constructed by the mapper, whose columns have the database's names.
    private sealed class Row
    {
        public string Id { get; init; } = "";

        public string Name { get; init; } = "";

        public string Hash { get; init; } = "";

        public string Scopes { get; init; } = "";

        public long Created { get; init; }

        public long? Expires { get; init; }

        public long? Revoked { get; init; }

        public long? Last_Used { get; init; }

        public StoredToken ToToken() =>
            new(
                Id,
                Name,
                Hash,
                Scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries),
                UnixMilliseconds.To(Created),
                UnixMilliseconds.To(Expires),
                UnixMilliseconds.To(Revoked),
                UnixMilliseconds.To(Last_Used)
            );
    }
}
