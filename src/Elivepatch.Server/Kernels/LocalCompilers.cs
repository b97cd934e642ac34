using System.Collections.Concurrent;
using Elivepatch.Kernel;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Model;
using Elivepatch.Server.Security;

namespace Elivepatch.Server.Kernels;

/// <summary>The compilers that this machine has or can have, where builds run in this process.</summary>
public sealed class LocalCompilers(CacheRoot cache, TimeProvider clock) : ICompilers, IDisposable
{
    // To ask a compiler what it is starts a process. One that is gone since is found to be by the build.
    private static readonly TimeSpan believed = TimeSpan.FromSeconds(30);

    // What a client calls a compiler may be anything, and to ask the archive for it takes a while: one at a time.
    private readonly SemaphoreSlim asking = new(1);
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

        await asking.WaitAsync(cancellation);
        try
        {
            var problems = await new ToolchainFinder(cache).CheckAsync(architecture, new(compiler, 0, 0, ""), cancellation);
            if (problems.Count == 0)
            {
                seen[(machine, compiler)] = clock.GetTimestamp();
            }

            return problems;
        }
        finally
        {
            asking.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => asking.Dispose();
}
