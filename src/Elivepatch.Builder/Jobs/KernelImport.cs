// In: an order. Out: the kernel's record, from the store where an earlier build imported it. A record's name is the digest of all
// that it is made of: what one client says of a kernel is never found by a build of another.

using Elivepatch.Builder.Sources;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Builder.Jobs;

/// <summary>Imports the kernels of builds.</summary>
internal sealed class KernelImport(CacheRoot cache, KernelSources sources)
{
    private const string Version = "import-1";

    /// <summary>The record for an order.</summary>
    /// <param name="order">The order.</param>
    /// <param name="basePatches">Paths of its base patches, in order.</param>
    /// <param name="progress">Told of every step.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The record and those of the base patches that are not part of it.</returns>
    public async Task<Outcome<ImportedKernel>> RunAsync(
        BuildOrder order,
        IReadOnlyList<string> basePatches,
        IProgress<StageEvent> progress,
        CancellationToken cancellation
    )
    {
        var name = NameOf(order, basePatches);
        if (Known(name) is { } known)
        {
            return Cached(known, progress);
        }
        // Of two builds that need one kernel, one imports it and the other waits.
        using var held = await cache.LockAsync($"import-{name}", cancellation);
        if (Known(name) is { } other)
        {
            return Cached(other, progress);
        }

        using var workspace = cache.NewWorkspace();
        var kernel = order.Kernel;
        var provided = await sources.ProvideAsync(
            new(kernel.Release, kernel.BuildId, order.SourcePath),
            workspace,
            progress,
            cancellation
        );
        if (!provided.TryGet(out var source))
        {
            return Outcome<ImportedKernel>.Failure(provided.Problems);
        }

        if (source.Record is { } complete)
        {
            return new ImportedKernel(complete, basePatches);
        }

        var import = new CaptureImport(cache, progress) { Name = name, BootImagePath = order.BootImagePath };
        var imported = await import.RunAsync(order.CapturePath, source.SourcePath, basePatches, cancellation);
        return imported.Then<ImportedKernel>(record => new ImportedKernel(record, []));
    }

    private static string NameOf(BuildOrder order, IReadOnlyList<string> basePatches) =>
        ContentDigest
            .OfParts([
                Version,
                order.Kernel.Id,
                order.Kernel.Source ?? "",
                order.Kernel.BootImage ?? "",
                .. basePatches.SelectMany(p => (string[])[Path.GetFileName(p), ContentDigest.Of(File.ReadAllBytes(p)).Hex]),
            ])
            .Hex;

    // The store also finds by build-id, which a capture chooses: only the name counts here.
    private KernelRecord? Known(string name) =>
        new KernelStore(cache).Open(name).TryGet(out var record)
        && record.Facts.Name == name
        && new SourceArchives(cache).Find(record.SourceKey).Succeeded
            ? record
            : null;

    private static ImportedKernel Cached(KernelRecord record, IProgress<StageEvent> progress)
    {
        progress.Report(new("import", record.Facts.Release, StageState.Cached));
        return new(record, []);
    }
}

/// <summary>A kernel's record for a build.</summary>
/// <param name="Record">The record.</param>
/// <param name="FurtherBasePatches">Base patches that the tree needs on top of the record's own.</param>
internal sealed record ImportedKernel(KernelRecord Record, IReadOnlyList<string> FurtherBasePatches);
