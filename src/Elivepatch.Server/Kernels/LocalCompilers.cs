using System.Collections.Concurrent;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Server.Kernels;

/// <summary>The compilers of this machine, where builds run in this process.</summary>
public sealed class LocalCompilers(TimeProvider clock) : ICompilers
{
    // To ask a compiler what it is starts a process. One that is gone since is found to be by the build.
    private static readonly TimeSpan believed = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<string, long> seen = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Problem>> CheckAsync(string compiler, CancellationToken cancellation)
    {
        if (seen.TryGetValue(compiler, out var at) && clock.GetElapsedTime(at) < believed)
        {
            return [];
        }

        var found = await Toolchain.FindAsync(KernelArchitectures.X8664, compiler, cancellation);
        if (found.Succeeded)
        {
            seen[compiler] = clock.GetTimestamp();
        }

        return found.Problems;
    }
}
