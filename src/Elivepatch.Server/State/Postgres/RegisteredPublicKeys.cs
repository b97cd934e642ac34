// In: the keys of one server and those that the servers of the database have registered. Out: the same keys on both sides, or a
// problem. Machines pin a key and follow its endorsements: servers that sign with different rings would be strangers to each
// other's machines.

using Dapper;
using Elivepatch.Model;

namespace Elivepatch.Server.State.Postgres;

/// <summary>The public keys that are registered in the database.</summary>
internal sealed class RegisteredPublicKeys(Database database) : IKeyRegister
{
    /// <inheritdoc/>
    public async Task<bool> HasAnyAsync(CancellationToken cancellation) =>
        await database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM signing_keys"), cancellation) > 0;

    /// <inheritdoc/>
    public Task<Problem?> ReconcileAsync(Func<IReadOnlyList<string>> own, CancellationToken cancellation)
    {
        var ids = own();
        return database.ChangeAsync<Problem?>(
            async transaction =>
            {
                var connection = transaction.Connection!;
                var registered = (
                    await connection.QueryAsync<string>("SELECT id FROM signing_keys ORDER BY number", transaction: transaction)
                ).ToList();
                for (var i = 0; i < ids.Count; i++)
                {
                    if (i >= registered.Count)
                    {
                        await connection.ExecuteAsync(
                            "INSERT INTO signing_keys (number, id) VALUES (@number, @id)",
                            new { number = i + 1L, id = ids[i] },
                            transaction
                        );
                    }
                    else if (ids[i] != registered[i])
                    {
                        return new(
                            DatabaseProblems.KeysDiffer,
                            $"key {i + 1} is {ids[i]}, and other servers of the database have {registered[i]}"
                        );
                    }
                }

                return registered.Count > ids.Count
                    ? new(
                        DatabaseProblems.KeysDiffer,
                        $"it has {ids.Count} keys, and other servers of the database sign with key {registered.Count}"
                    )
                    : null;
            },
            cancellation
        );
    }
}
