using Elivepatch.Model;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Builds;

/// <summary>Hands queued builds to whoever runs them.</summary>
public interface IBuildDispatch
{
    /// <summary>Tells of a build that was queued.</summary>
    /// <returns>A problem where that ended the build: nobody can take it.</returns>
    Task<Problem?> SendAsync(StoredBuild build, StoredKernel kernel, CancellationToken cancellation);
}
