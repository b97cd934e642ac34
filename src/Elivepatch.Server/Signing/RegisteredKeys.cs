// In: the ring of this server and the public keys that the servers of one database have registered there. Out: the same keys on both
// sides, or a problem. Machines pin a key and follow its endorsements: servers that sign with different rings would be strangers to
// each other's machines. Secret keys are in no database; whoever reads that must not be able to sign.

using Dapper;
using Elivepatch.Model;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Signing;

/// <summary>The public keys that all servers of one database sign with.</summary>
internal static class RegisteredKeys
{
    /// <summary>Opens a server's ring. Where the database is shared it has to be the one that the others have.</summary>
    public static async Task<Outcome<KeyRing>> OpenAsync(string folder, Database database, CancellationToken cancellation)
    {
        if (database.Postgres is null)
            return KeyRing.Open(folder);
        var registered = await database.ReadAsync(
            c => c.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM signing_keys"), cancellation);
        if (registered > 0 && KeyRing.IsEmpty(folder))
            return new Problem(DatabaseProblems.KeysDiffer, $"{folder} has no keys, and other servers of the database sign already");
        var opened = KeyRing.Open(folder);
        if (!opened.TryGet(out var keys))
            return opened;
        if (await AgreeAsync(keys, database, cancellation) is not { } problem)
            return opened;
        keys.Dispose();
        return problem with { Reason = $"{folder}: {problem.Reason}" };
    }

    /// <summary>Registers the keys that are new, by a rotation; or says in what the ring differs.</summary>
    public static Task<Problem?> AgreeAsync(KeyRing keys, Database database, CancellationToken cancellation)
    {
        var own = keys.List().Select(k => k.Id).ToList();
        return database.ChangeAsync<Problem?>(
            async transaction =>
            {
                var connection = transaction.Connection!;
                var registered = (await connection.QueryAsync<string>(
                    "SELECT id FROM signing_keys ORDER BY number", transaction: transaction)).ToList();
                for (var i = 0; i < own.Count; i++)
                {
                    if (i >= registered.Count)
                    {
                        await connection.ExecuteAsync(
                            "INSERT INTO signing_keys (number, id) VALUES (@number, @id)", new { number = i + 1L, id = own[i] }, transaction);
                    }
                    else if (own[i] != registered[i])
                    {
                        return new(DatabaseProblems.KeysDiffer, $"key {i + 1} is {own[i]}, and other servers of the database have {registered[i]}");
                    }
                }

                return registered.Count > own.Count
                    ? new(DatabaseProblems.KeysDiffer, $"it has {own.Count} keys, and other servers of the database sign with key {registered.Count}")
                    : null;
            },
            cancellation);
    }
}
