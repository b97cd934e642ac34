using Elivepatch.Model;

namespace Elivepatch.Server.Kernels;

/// <summary>The compilers of those who build.</summary>
public interface ICompilers
{
    /// <summary>
    /// Why nobody can build with a kernel's compiler, as far as that is known before a build is queued; empty where somebody may.
    /// </summary>
    Task<IReadOnlyList<Problem>> CheckAsync(string compiler, CancellationToken cancellation);
}
