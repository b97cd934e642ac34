using Elivepatch.Model;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Builds;

/// <summary>Hands builds to the builders of this process, which find them in the database.</summary>
public sealed class LocalDispatch(BuildSignals signals) : IBuildDispatch
{
    /// <inheritdoc/>
    public Task<Problem?> SendAsync(StoredBuild build, StoredKernel kernel, CancellationToken cancellation)
    {
        signals.NotifyQueued();
        return Task.FromResult<Problem?>(null);
    }
}
