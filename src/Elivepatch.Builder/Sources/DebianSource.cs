// In: the release of a stock Debian kernel. Out: its record, made of the packages alone, so that nothing that a client says of
// the kernel takes part. What the client runs has to be that very build: its build-id decides.

using System.Collections.Concurrent;
using Elivepatch.Kernel;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Builder.Sources;

/// <summary>Kernels from Debian's packages.</summary>
internal sealed class DebianSource(CacheRoot cache) : IKernelSource
{
    private const string Kind = "debian";

    // Which builds a release turned out not to be. Packages change, so it is not kept for long.
    private readonly ConcurrentDictionary<(string Release, string BuildId), string> contradicted = new();

    /// <inheritdoc/>
    public string Name => "Debian's packages";

    /// <inheritdoc/>
    public bool HasBootImage => true;

    /// <inheritdoc/>
    public async Task<string?> FindProblemAsync(SourceRequest request, CancellationToken cancellation)
    {
        if (contradicted.TryGetValue((request.Release, request.BuildId), out var reason))
        {
            return reason;
        }

        if (Imported(request) is not null)
        {
            return null;
        }

        var found = await new DebianKernels(cache).FindAsync(new(null, request.Release, "", ""), cancellation);
        return found.Succeeded ? null : found.Problems[0].Reason;
    }

    /// <inheritdoc/>
    public async Task<Outcome<ProvidedSource>> ProvideAsync(
        SourceRequest request,
        IProgress<StageEvent>? progress,
        CancellationToken cancellation
    )
    {
        // Two captures may name one release.
        using var held = await cache.LockAsync($"import-debian-{request.Release}", cancellation);
        if (Imported(request) is { } known)
        {
            return new ProvidedSource(known, "");
        }

        var imported = await new DebianImport(cache, KernelBoot.ReadFactsAsync, progress).RunAsync(request.Release, cancellation);
        if (!imported.TryGet(out var record))
        {
            return Outcome<ProvidedSource>.Failure(imported.Problems);
        }

        if (record.Facts.BuildId == request.BuildId)
        {
            return new ProvidedSource(record, "");
        }

        var reason = $"the packages of {request.Release} have build-id {record.Facts.BuildId}, and {request.BuildId} runs";
        contradicted[(request.Release, request.BuildId)] = reason;
        return new Problem(RecordProblems.KernelContradicts, reason);
    }

    private KernelRecord? Imported(SourceRequest request) =>
        new KernelStore(cache).Open(request.Release).TryGet(out var record)
        && record.Facts.Name == request.Release
        && record.Facts.Origin.Kind == Kind
        && record.Facts.BuildId == request.BuildId
        && new SourceArchives(cache).Find(record.SourceKey).Succeeded
            ? record
            : null;
}
