using Elivepatch.Model;

namespace Elivepatch.Server.State.Sqlite;

/// <summary>Keys of the one server that has the database: there are no others to agree with.</summary>
internal sealed class OwnKeys : IKeyRegister
{
    /// <inheritdoc/>
    public Task<bool> HasAnyAsync(CancellationToken cancellation) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task<Problem?> ReconcileAsync(Func<IReadOnlyList<string>> own, CancellationToken cancellation) =>
        Task.FromResult<Problem?>(null);
}
