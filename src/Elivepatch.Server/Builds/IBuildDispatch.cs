using Elivepatch.Model;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Builds;

/// <summary>Hands queued builds to whoever runs them.</summary>
public interface IBuildDispatch
{
    /// <summary>Why nobody can build with a kernel's compiler, as far as that is known before a build is queued; empty where somebody may.</summary>
    Task<IReadOnlyList<Problem>> RefuseAsync(string compiler, CancellationToken cancellation);

    /// <summary>Tells of a build that was queued.</summary>
    /// <returns>A problem where that ended the build: nobody can take it.</returns>
    Task<Problem?> SendAsync(StoredBuild build, StoredKernel kernel, CancellationToken cancellation);
}
