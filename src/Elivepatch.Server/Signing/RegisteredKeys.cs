// In: the ring of this server and the public keys that the servers of one database have registered there. Out: the same keys on
// both sides, or a problem. Machines pin a key and follow its endorsements: servers that sign with different rings would be
// strangers to each other's machines. Secret keys are in no database; whoever reads that must not be able to sign.

using Elivepatch.Model;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Signing;

/// <summary>The public keys that all servers of one database sign with.</summary>
internal static class RegisteredKeys
{
    /// <summary>Opens a server's ring. Where others use the database it has to be the one that they have.</summary>
    public static async Task<Outcome<KeyRing>> OpenAsync(string folder, Database database, CancellationToken cancellation)
    {
        if (await database.Keys.HasAnyAsync(cancellation) && KeyRing.IsEmpty(folder))
        {
            return new Problem(
                DatabaseProblems.KeysDiffer,
                $"{folder} has no keys, and other servers of the database sign already"
            );
        }

        var opened = KeyRing.Open(folder);
        if (!opened.TryGet(out var keys))
        {
            return opened;
        }

        if (await ReconcileAsync(keys, database, cancellation) is not { } problem)
        {
            return opened;
        }

        keys.Dispose();
        return problem with { Reason = $"{folder}: {problem.Reason}" };
    }

    /// <summary>Registers the keys that are new, by a rotation; or says in what the ring differs.</summary>
    public static Task<Problem?> ReconcileAsync(KeyRing keys, Database database, CancellationToken cancellation) =>
        database.Keys.ReconcileAsync(() => [.. keys.List().Select(k => k.Id)], cancellation);
}
