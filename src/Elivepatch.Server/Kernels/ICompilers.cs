using Elivepatch.Model;

namespace Elivepatch.Server.Kernels;

/// <summary>The compilers of those who build.</summary>
public interface ICompilers
{
    /// <summary>
    /// Why nobody can build with a kernel's compiler, as far as that is known before a build is queued; empty where somebody may.
    /// </summary>
    /// <param name="machine">The kernel's processor, as <c>uname -m</c> prints it.</param>
    /// <param name="compiler">The kernel's compiler, as in <c>CONFIG_CC_VERSION_TEXT</c>.</param>
    /// <param name="cancellation">Ends it.</param>
    Task<IReadOnlyList<Problem>> CheckAsync(string machine, string compiler, CancellationToken cancellation);
}
