// In: the toolchain roots that servers offer. Out: what this worker can build for with them, and the roots themselves once a
// build wants one. A root is known by the digest of its files, so it does not matter which server sends it.

using System.Collections.Concurrent;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Model;
using Elivepatch.Model.Progress;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Builder.Workers;

/// <summary>Toolchain roots of servers.</summary>
internal sealed partial class FetchedToolchains(CacheRoot cache, WorkClient client, ILogger<FetchedToolchains> log)
{
    private const string Stage = "toolchain";
    private const long Largest = 8L << 30;
    private const int MostOffered = 1000;
    private readonly ConcurrentDictionary<string, ToolchainView> offered = new(StringComparer.Ordinal);

    /// <summary>The texts of the compilers that servers offer.</summary>
    public IEnumerable<string> Compilers => offered.Values.SelectMany(t => t.Compilers);

    /// <summary>Takes note of what a server offers; what others have offered stays.</summary>
    public void Note(IReadOnlyList<ToolchainView>? toolchains)
    {
        foreach (var root in toolchains ?? [])
        {
            if (
                offered.Count < MostOffered
                && root is { Name: not null, Compilers: not null, RustCompiler: not null }
                && ContentDigest.IsHex(root.Digest)
                && root.Compilers.All(c => c is not null)
            )
            {
                offered[root.Digest] = root;
            }
        }
    }

    /// <summary>Sees to it that a kernel's compiler is here, as far as a server has it.</summary>
    /// <param name="machine">The kernel's processor, as <c>uname -m</c> prints it.</param>
    /// <param name="compiler">The kernel's compiler, as in <c>CONFIG_CC_VERSION_TEXT</c>.</param>
    /// <param name="progress">Told where a root is fetched.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Why a root that is offered could not be had; null where it is here, or nobody offers one.</returns>
    public async Task<Problem?> EnsureAsync(
        string machine,
        string compiler,
        IProgress<StageEvent> progress,
        CancellationToken cancellation
    )
    {
        if (KernelArchitectures.Of(machine) is not { } architecture || CompilerText.VersionOf(compiler) is not { } version)
        {
            return null;
        }

        var here = new ToolchainFinder(cache) { IsOffline = true };
        if (await here.CheckAsync(architecture, new(compiler, 0, 0, ""), cancellation) is [])
        {
            return null;
        }

        // Of several the configuration's binutils and Rust decide, which are not known yet; of those that are alike in that
        // one is enough.
        var wanted = offered
            .Values.Where(t => t.Compilers.Any(c => CompilerText.VersionOf(c) == version))
            .GroupBy(t => (t.Assembler, t.Linker, t.RustCompiler))
            .Select(g => g.MinBy(t => (t.Size, t.Digest))!);
        foreach (var root in wanted)
        {
            progress.Report(new(Stage, $"fetch {root.Name}", StageState.Running));
            var problem = await FetchAsync(root, cancellation);
            progress.Report(new(Stage, root.Name, problem is null ? StageState.Done : StageState.Failed));
            if (problem is not null)
            {
                return problem;
            }
        }

        return null;
    }

    private async Task<Problem?> FetchAsync(ToolchainView root, CancellationToken cancellation)
    {
        using var held = await cache.LockAsync($"fetch-{root.Digest}", cancellation);
        if (new ToolchainRoots(cache).Open(root.Digest).Succeeded)
        {
            return null;
        }

        LogFetches(root.Name, root.Digest);
        using var workspace = cache.NewWorkspace();
        var incoming = Path.Combine(workspace.FullPath, "root.tar.gz");
        var problem = await client.FetchToolchainAsync(
            root.Digest,
            async (content, inTime) =>
            {
                await using var file = File.Create(incoming);
                return await ContentDigest.OfCopyAsync(content, file, Largest, inTime) is null
                    ? new(ServiceProblems.ServerUnreachable, $"the root {root.Name} is larger than {Largest >> 30} GiB")
                    : null;
            },
            cancellation
        );
        if (problem is not null)
        {
            return problem;
        }

        var received = await RootTransfer.ReceiveAsync(cache, incoming, new(root.Digest), root.Name, cancellation);
        return received.Succeeded ? null : received.Problems[0];
    }

    [LoggerMessage(LogLevel.Information, "fetches the toolchain root {Name} ({Digest})")]
    private partial void LogFetches(string name, string digest);
}
