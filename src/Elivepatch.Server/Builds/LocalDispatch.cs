using System.Collections.Concurrent;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Builds;

/// <summary>Hands builds to the builders of this process, which find them in the database.</summary>
public sealed class LocalDispatch(BuildSignals signals, TimeProvider clock) : IBuildDispatch
{
    // To ask a compiler what it is starts a process. One that is gone since is found to be by the build.
    private static readonly TimeSpan compilerBelieved = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<string, long> compilersSeen = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Problem>> RefuseAsync(string compiler, CancellationToken cancellation)
    {
        if (compilersSeen.TryGetValue(compiler, out var seen) && clock.GetElapsedTime(seen) < compilerBelieved)
            return [];
        var found = await Toolchain.FindAsync(KernelArchitectures.X8664, compiler, cancellation);
        if (found.Succeeded)
            compilersSeen[compiler] = clock.GetTimestamp();
        return found.Problems;
    }

    /// <inheritdoc/>
    public Task<Problem?> SendAsync(StoredBuild build, StoredKernel kernel, CancellationToken cancellation)
    {
        signals.TellQueued();
        return Task.FromResult<Problem?>(null);
    }
}
