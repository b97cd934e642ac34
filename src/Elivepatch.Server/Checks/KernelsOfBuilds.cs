// In: a build. Out: what its module is checked against: the record of its kernel that the build itself had, found by the
// digests in the statement about the module. Where this machine does not have that record (any more, or because a worker had
// it), the capture that the kernel is known by gives symbols and exports: enough to find a fault, and never enough to say that
// there is none.

using System.Text.Json;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Engine.Targets;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Captures;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Checks;

/// <summary>A kernel as a module is checked against it.</summary>
/// <param name="Target">What is known of it.</param>
/// <param name="Missing">What a build knows of its kernel and is not known here; null for nothing.</param>
/// <param name="Record">The record that the build had; null where it is not here.</param>
internal sealed record CheckedKernel(TargetKernel Target, string? Missing, KernelRecord? Record = null);

/// <summary>Finds the kernels of builds.</summary>
internal sealed class KernelsOfBuilds(CacheRoot cache, KernelTable kernels, BlobStore blobs)
{
    private const string FromCapture = "capture";
    private const string NoRecord = "the kernel's record that the build had is not in this server's cache";

    // A kernel's symbols and image take a second to read and a hundred megabytes to keep. Builds come in the order of their
    // kernels, so the last one is kept for as long as nobody needs the room.
    private readonly WeakReference<CheckedKernel> last = new(null!);
    private string lastKey = "";

    /// <summary>The kernel of a build.</summary>
    /// <param name="build">The build.</param>
    /// <param name="statement">What was said of its module; null where that is gone.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<CheckedKernel> FindAsync(StoredBuild build, Statement? statement, CancellationToken cancellation)
    {
        var record = statement is null ? null : Record(statement);
        var key = record is null ? build.Kernel : KeyOf(record, statement!);
        if (key == lastKey && last.TryGetTarget(out var known))
        {
            return known;
        }

        last.SetTarget(null!);
        var read = record is null ? await CapturedAsync(build, cancellation) : Recorded(record);
        last.SetTarget(read);
        lastKey = key;
        return read;
    }

    /// <summary>The same kernel with the modules that a livepatch patches or refers to.</summary>
    public async Task<CheckedKernel> AddModulesAsync(
        CheckedKernel kernel,
        StoredBuild build,
        LivepatchModule livepatch,
        CancellationToken cancellation
    )
    {
        var names = livepatch.ModuleNames.ToList();
        if (names.Count == 0 || kernel.Record is not { } record)
        {
            return kernel;
        }

        var opened = await OpenModulesAsync(record, build, names, cancellation);
        return opened.TryGet(out var modules)
            ? kernel with
            {
                Target = kernel.Target with { Modules = modules },
            }
            : kernel with
            {
                Missing = kernel.Missing ?? opened.Problems[0].ToString(),
            };
    }

    private async Task<Outcome<IReadOnlyList<ModuleTarget>>> OpenModulesAsync(
        KernelRecord record,
        StoredBuild build,
        List<string> names,
        CancellationToken cancellation
    )
    {
        var paths = new List<string>();
        try
        {
            var submission = JsonSerializer.Deserialize(
                await blobs.ReadAsync(build.Submission, cancellation),
                ProtocolJson.Default.BuildSubmission
            )!;
            foreach (var file in submission.Modules)
            {
                paths.Add(await blobs.PathAsync(file.Sha256, cancellation));
            }
        }
        catch (IOException)
        {
            // Then the record or the packages have to have them.
        }

        var given = await GivenModules.ReadAsync(record, paths, cancellation);
        return given.TryGet(out var files)
            ? await new ModuleFiles(cache, record, files).OpenAsync(names, cancellation)
            : Outcome<IReadOnlyList<ModuleTarget>>.Failure(given.Problems);
    }

    // Several records may be of one kernel, and a capture says what it likes of itself: the digests of what the build was made
    // of decide.
    private KernelRecord? Record(Statement statement)
    {
        var asked = statement.Predicate.BuildDefinition.ExternalParameters;
        var made = statement
            .Predicate.BuildDefinition.ResolvedDependencies.GroupBy(d => d.Name)
            .ToDictionary(g => g.Key, g => g.First().Digest.Sha256);
        return new KernelStore(cache)
            .List()
            .FirstOrDefault(record =>
                record.Facts.BuildId == asked.BuildId
                && record.Facts.SourceDigest == made.GetValueOrDefault("source")
                && HasBasePatches(record.Facts, asked.BasePatches)
                && Digest(record.ConfigPath) == made.GetValueOrDefault("config")
                && Digest(record.KallsymsPath) == made.GetValueOrDefault("symbols")
                && Digest(record.BootImagePath) == made.GetValueOrDefault("boot-image")
            );
    }

    // What lies in a record's folder may be another record later.
    private static string KeyOf(KernelRecord record, Statement statement) =>
        string.Join(
            '\n',
            statement
                .Predicate.BuildDefinition.ResolvedDependencies.Where(d => d.Name != "kernel")
                .Select(d => d.Digest.Sha256)
                .Prepend(record.Folder)
        );

    // Those of a capture are part of its record; a build on packages brings its own.
    private static bool HasBasePatches(KernelFacts facts, IReadOnlyList<PatchReference> asked) =>
        facts.Origin.Kind != FromCapture || facts.BasePatches.Select(p => p.Digest).SequenceEqual(asked.Select(p => p.Sha256));

    private static string? Digest(string? path)
    {
        if (path is null)
        {
            return null;
        }

        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(file));
    }

    // What LivepatchBuild gives its self-check. The vermagic is learned from the kernel's build; it was compared when the
    // module was made, and no rule can come to see it otherwise.
    private static CheckedKernel Recorded(KernelRecord record)
    {
        var loaded = RunningKernel.Load(record);
        return loaded.TryGet(out var kernel)
            ? new(new(kernel.Symbols, kernel.Exports, Vermagic: null, record.Facts.Layouts, kernel.Image), null, record)
            : new(TargetKernel.Unknown, $"the kernel's record cannot be read: {loaded.Problems[0]}");
    }

    private async Task<CheckedKernel> CapturedAsync(StoredBuild build, CancellationToken cancellation)
    {
        if (await kernels.FindAsync(build.Kernel, KernelTable.Operator, cancellation) is not { } kernel)
        {
            return new(TargetKernel.Unknown, NoRecord);
        }

        var read = await ReadAsync(kernel.Capture, cancellation);
        if (!read.TryGet(out var capture))
        {
            return new(TargetKernel.Unknown, $"{NoRecord}, and its capture cannot be read: {read.Problems[0]}");
        }

        var symbols = KernelSymbols.Parse(capture.Kallsyms);
        var exports = capture.Symvers is { } text ? ExportedSymbols.Parse(text.Span) : null;
        return new(
            new(
                symbols.Succeeded ? symbols.Value : null,
                exports is { Succeeded: true } ? exports.Value : null,
                Vermagic: null,
                Layouts: null
            ),
            NoRecord
        );
    }

    private async Task<Outcome<CaptureFile>> ReadAsync(string digest, CancellationToken cancellation)
    {
        try
        {
            await using var file = File.OpenRead(await blobs.PathAsync(digest, cancellation));
            return CaptureFile.Read(file);
        }
        catch (IOException e)
        {
            return new Problem(CaptureProblems.CaptureUnreadable, e.Message);
        }
    }
}
