using Elivepatch.Model;

namespace Elivepatch.Server.State;

/// <summary>The public keys that the servers of one database sign with. Secret keys are in no database.</summary>
internal interface IKeyRegister
{
    /// <summary>True where servers of the database sign already.</summary>
    Task<bool> HasAnyAsync(CancellationToken cancellation);

    /// <summary>
    /// Registers the keys that are new, by a rotation; or says in what a server's own differ from those of the others.
    /// </summary>
    /// <param name="own">Gives the ids of the server's own keys, the oldest first.</param>
    /// <param name="cancellation">Ends it.</param>
    Task<Problem?> ReconcileAsync(Func<IReadOnlyList<string>> own, CancellationToken cancellation);
}
