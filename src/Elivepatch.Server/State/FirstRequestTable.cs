using Dapper;

namespace Elivepatch.Server.State;

/// <summary>The requests of clients of the first elivepatch, by the UUIDs that they chose.</summary>
public sealed class FirstRequestTable(Database database, TimeProvider clock)
{
    // Such a client asks for its livepatch right after it was built.
    private static readonly TimeSpan kept = TimeSpan.FromDays(7);

    /// <summary>Notes which build a request is.</summary>
    /// <returns>False where the request is another build already.</returns>
    public Task<bool> PutAsync(string uuid, string build, CancellationToken cancellation) =>
        database.ChangeAsync(
            async transaction =>
            {
                var connection = transaction.Connection!;
                var now = clock.GetUtcNow();
                await connection.ExecuteAsync(
                    "DELETE FROM first_requests WHERE added < @before",
                    new { before = UnixMilliseconds.From(now - kept) },
                    transaction
                );
                await connection.ExecuteAsync(
                    "INSERT INTO first_requests (uuid, build, added) VALUES (@uuid, @build, @now) ON CONFLICT (uuid) DO NOTHING",
                    new
                    {
                        uuid,
                        build,
                        now = UnixMilliseconds.From(now),
                    },
                    transaction
                );
                return await connection.ExecuteScalarAsync<string>(
                        "SELECT build FROM first_requests WHERE uuid = @uuid",
                        new { uuid },
                        transaction
                    ) == build;
            },
            cancellation
        );

    /// <summary>The build of a request; null where there is none.</summary>
    public Task<string?> FindAsync(string uuid, CancellationToken cancellation) =>
        database.ReadAsync(
            c => c.ExecuteScalarAsync<string?>("SELECT build FROM first_requests WHERE uuid = @uuid", new { uuid }),
            cancellation
        );
}
