// In: what machines tell of their kernels. Out: the kernels that the server knows, and what it would still like to have of each.
// What is told is hostile: a kernel is named by the content of its capture, and a part that somebody sends is used for that
// token's builds alone, unless the operator sent it.

using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Sources;
using Elivepatch.Engine.Facts;
using Elivepatch.Kernel;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Captures;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Kernels;

/// <summary>The kernels that machines have told of.</summary>
public sealed class KernelRegistry(
    KernelTable kernels,
    BlobStore blobs,
    KernelSources sources,
    ICompilers compilers,
    ServicePolicy policy,
    TimeProvider clock
) : IDisposable
{
    private const int ViewsAtOnce = 4;

    // A capture unpacks to some megabytes, at most to those of CaptureFile, and an image to more: one at a time.
    private readonly SemaphoreSlim unpacking = new(1);

    /// <summary>Takes a kernel in by its capture. To do it again is harmless.</summary>
    /// <param name="captureBlob">Digest of the capture in the blob store.</param>
    /// <param name="token">The token of whoever tells of it.</param>
    /// <param name="requester">Their name.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<Outcome<KernelView>> RegisterAsync(
        string captureBlob,
        string token,
        string requester,
        CancellationToken cancellation
    ) => UnpackAsync(() => TakeInAsync(captureBlob, token, requester, cancellation), cancellation);

    /// <summary>
    /// Adds a part of a kernel, in place of the one that the same token sent before. Builds keep what they are made of.
    /// </summary>
    /// <param name="id">The kernel.</param>
    /// <param name="part">One of <see cref="KernelParts"/>.</param>
    /// <param name="blob">Digest of the part in the blob store.</param>
    /// <param name="token">Whose it is; <see cref="KernelTable.Operator"/> for everybody's.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<KernelView>> AddPartAsync(
        string id,
        string part,
        string blob,
        string token,
        CancellationToken cancellation
    )
    {
        if (await kernels.FindAsync(id, token, cancellation) is not { } kernel)
        {
            return Unknown(id);
        }

        if (CheckName(part) is { } unknown)
        {
            return unknown;
        }

        if (part == KernelParts.Source && !policy.AllowUploadedSource)
        {
            return new Problem(ServiceProblems.PartForbidden, "sources are provided by the operator alone");
        }

        var path = await blobs.PathAsync(blob, cancellation);
        var wrong = part switch
        {
            KernelParts.Source => CheckSource(path),
            KernelParts.BootImage => await UnpackAsync(() => CheckImageAsync(kernel, path, cancellation), cancellation),
            _ => await UnpackAsync(() => CheckModuleAsync(kernel, KernelParts.ModuleOf(part)!, path, cancellation), cancellation),
        };
        if (wrong is not null)
        {
            return wrong;
        }

        var sent = new StoredPart(id, token, part, blob, new FileInfo(path).Length, clock.GetUtcNow());
        return await kernels.SetPartAsync(sent, policy.PartBytesPerToken, cancellation)
            ? await FindAsync(id, token, cancellation)
            : new Problem(ServerProblems.PartsTooLarge, $"they have more than {policy.PartBytesPerToken >> 20} MiB together");
    }

    /// <summary>Why a kernel has no part of this name; null where it has.</summary>
    public static Problem? CheckName(string part) =>
        part is KernelParts.Source or KernelParts.BootImage || KernelParts.ModuleOf(part) is not null
            ? null
            : new(
                ServerProblems.RequestMalformed,
                $"a kernel has the parts {KernelParts.Source}, {KernelParts.BootImage} and {KernelParts.OfModule("NAME")}"
            );

    /// <summary>Finds a kernel.</summary>
    /// <param name="id">The kernel.</param>
    /// <param name="token">The token of whoever asks.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<KernelView>> FindAsync(string id, string token, CancellationToken cancellation) =>
        await kernels.FindAsync(id, token, cancellation) is { } kernel ? await ViewAsync(kernel, cancellation) : Unknown(id);

    /// <summary>All kernels, newest first.</summary>
    /// <param name="token">The token of whoever asks.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<IReadOnlyList<KernelView>> ListAsync(string token, CancellationToken cancellation)
    {
        // Where sources come from may have to be asked, which takes its time.
        var listed = await kernels.ListAsync(token, cancellation);
        var views = new KernelView[listed.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = ViewsAtOnce, CancellationToken = cancellation };
        await Parallel.ForAsync(0, listed.Count, options, async (i, end) => views[i] = await ViewAsync(listed[i], end));
        return views;
    }

    /// <summary>Removes a kernel that no build refers to; false where it is not there or in use.</summary>
    public Task<bool> RemoveAsync(string id, CancellationToken cancellation) => kernels.RemoveAsync(id, cancellation);

    /// <inheritdoc/>
    public void Dispose() => unpacking.Dispose();

    /// <summary>What is said of a kernel that is not known.</summary>
    internal static Problem Unknown(string id) =>
        new(RecordProblems.KernelUnknown, $"no kernel {PlainText.Of(id, 80)} is known here", "Send the kernel's capture first.");

    /// <summary>A kernel as whoever asks sees it.</summary>
    internal async Task<KernelView> ViewAsync(StoredKernel kernel, CancellationToken cancellation)
    {
        var coverage = await sources.GetCoverageAsync(new(kernel.Release, kernel.BuildId, null), cancellation);
        var missing = new List<MissingPart>();
        if (kernel.Source is null && !coverage.IsCovered)
        {
            missing.Add(
                new(
                    KernelParts.Source,
                    true,
                    $"no configured place has the source of {kernel.Release}{Tried(coverage)}",
                    policy.AllowUploadedSource
                )
            );
        }

        var hasImage = kernel.BootImage is not null || coverage.HasBootImage;
        if (!hasImage)
        {
            var what = policy.Trial switch
            {
                TrialPolicy.Required => "livepatches have to be tested with it",
                TrialPolicy.Off => "with it the bytes of the code are compared, not its layout alone",
                _ => "with it livepatches are tested, and the bytes of the code are compared, not its layout alone",
            };
            var where = $"a machine has it as /boot/vmlinuz-{kernel.Release}";
            missing.Add(new(KernelParts.BootImage, policy.Trial == TrialPolicy.Required, $"{what}; {where}", true));
        }

        return new(
            kernel.Id,
            kernel.Release,
            kernel.BuildId,
            kernel.Compiler,
            missing.Exists(m => m.IsRequired) ? KernelState.Incomplete : KernelState.Ready,
            hasImage ? Proofs.Bytes : Proofs.Layout,
            hasImage,
            missing,
            kernel.Added
        );
    }

    private static string Tried(SourceCoverage coverage) =>
        coverage.Tried.Count == 0 ? "" : $" ({string.Join("; ", coverage.Tried)})";

    private async Task<Outcome<KernelView>> TakeInAsync(
        string captureBlob,
        string token,
        string requester,
        CancellationToken cancellation
    )
    {
        var path = await blobs.PathAsync(captureBlob, cancellation);
        var read = await Task.Run(() => Read(path), cancellation);
        if (!read.TryGet(out var identity))
        {
            return Outcome<KernelView>.Failure(read.Problems);
        }

        if (await kernels.FindAsync(identity.Id, token, cancellation) is { } known)
        {
            return await ViewAsync(known, cancellation);
        }

        var facts = identity.Capture.Facts;
        if (await compilers.CheckAsync(facts.Machine, facts.Compiler, cancellation) is { Count: > 0 } unable)
        {
            return Outcome<KernelView>.Failure(unable);
        }

        using var file = new MemoryStream();
        await Task.Run(() => identity.Capture.Write(file), cancellation);
        file.Position = 0;
        var stored = await blobs.PutAsync(file, long.MaxValue, cancellation);
        if (!stored.TryGet(out var blob))
        {
            return Outcome<KernelView>.Failure(stored.Problems);
        }

        await kernels.AddAsync(
            new(
                identity.Id,
                facts.Release,
                facts.BuildId,
                facts.Machine,
                facts.Compiler,
                blob,
                null,
                null,
                clock.GetUtcNow(),
                requester
            ),
            cancellation
        );
        return await FindAsync(identity.Id, token, cancellation);
    }

    private async Task<T> UnpackAsync<T>(Func<Task<T>> work, CancellationToken cancellation)
    {
        await unpacking.WaitAsync(cancellation);
        try
        {
            return await work();
        }
        finally
        {
            // What was unpacked is garbage of the kind that is collected last: without this, that of several would be there at
            // once.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            unpacking.Release();
        }
    }

    private static Outcome<CaptureIdentity> Read(string path)
    {
        using var stream = File.OpenRead(path);
        return CaptureFile
            .Read(stream)
            .Then(CaptureIdentity.Of)
            .Then<CaptureIdentity>(identity =>
            {
                var capture = identity.Capture;
                if (KernelArchitectures.Of(capture.Facts.Machine) is not { } architecture)
                {
                    return new Problem(
                        CompileProblems.ConfigurationLacks,
                        $"the machine is {PlainText.Of(capture.Facts.Machine, 80)}, and only {KernelArchitectures.Names} can be live patched"
                    );
                }

                var config = ConfigRules.Check(
                    architecture,
                    KernelConfig.Parse(System.Text.Encoding.UTF8.GetString(capture.Config.Span))
                );
                if (config.Count > 0)
                {
                    return Outcome<CaptureIdentity>.Failure(config);
                }

                var exports = ExportedSymbols.Parse(capture.Symvers is { } symvers ? symvers.Span : []);
                return exports.Succeeded ? identity : Outcome<CaptureIdentity>.Failure(exports.Problems);
            });
    }

    private static Problem? CheckSource(string path) =>
        ArchiveForm.SuffixOf(path) is null
            ? new(RecordProblems.SourceUnusable, "the upload is not a tar archive, compressed or not")
            : null;

    private async Task<Problem?> CheckModuleAsync(StoredKernel kernel, string name, string path, CancellationToken cancellation)
    {
        var captured = await blobs.PathAsync(kernel.Capture, cancellation);
        var read = await Task.Run(() => Read(captured), cancellation);
        if (!read.TryGet(out var identity))
        {
            return read.Problems[0];
        }

        var facts = identity.Capture.Facts;
        // It has been known since the kernel was taken in.
        var architecture = KernelArchitectures.Of(facts.Machine)!;
        var given = await GivenModules.ReadAsync(architecture, facts.Release, facts.Modules, [path], cancellation);
        if (!given.TryGet(out var modules))
        {
            return given.Problems[0] with { Reason = given.Problems[0].Reason.Replace(path, name, StringComparison.Ordinal) };
        }

        return modules.All.Keys.Single() is var own && own == name
            ? null
            : new(RecordProblems.ModuleUnreadable, $"{name}: the file is of a module that is called {own}");
    }

    private static async Task<Problem?> CheckImageAsync(StoredKernel kernel, string path, CancellationToken cancellation)
    {
        if (new FileInfo(path).Length > BootImage.Largest)
        {
            return new(RecordProblems.BootImageUnreadable, $"it has more than {BootImage.Largest >> 20} MiB");
        }

        var opened = await BootImage.OpenAsync(await File.ReadAllBytesAsync(path, cancellation), cancellation);
        if (!opened.TryGet(out var image))
        {
            return opened.Problems[0];
        }

        return image.BuildId.Hex == kernel.BuildId
            ? null
            : new(RecordProblems.KernelContradicts, $"the kernel has build-id {kernel.BuildId}, the boot image {image.BuildId}");
    }
}
