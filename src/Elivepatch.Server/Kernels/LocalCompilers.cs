using System.Collections.Concurrent;
using Elivepatch.Kernel;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;
using Elivepatch.Server.Security;

namespace Elivepatch.Server.Kernels;

/// <summary>The compilers of this machine, where builds run in this process.</summary>
public sealed class LocalCompilers(TimeProvider clock) : ICompilers
{
    // To ask a compiler what it is starts a process. One that is gone since is found to be by the build.
    private static readonly TimeSpan believed = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<(string Machine, string Compiler), long> seen = new();

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Problem>> CheckAsync(string machine, string compiler, CancellationToken cancellation)
    {
        if (seen.TryGetValue((machine, compiler), out var at) && clock.GetElapsedTime(at) < believed)
        {
            return [];
        }

        if (KernelArchitectures.Of(machine) is not { } architecture)
        {
            return
            [
                new(
                    CompileProblems.ConfigurationLacks,
                    $"the machine is {PlainText.Of(machine, 80)}, and only {KernelArchitectures.Names} can be live patched"
                ),
            ];
        }

        var found = await Toolchain.FindAsync(architecture, compiler, cancellation);
        if (found.Succeeded)
        {
            seen[(machine, compiler)] = clock.GetTimestamp();
        }

        return found.Problems;
    }
}
