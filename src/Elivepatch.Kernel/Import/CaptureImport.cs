// In: a capture and the source that its kernel was built from. Out: its record. The source is believed no further than it proves
// itself: the configuration must survive preparation, the release must be the source's, and every build checks fidelity.

using System.Text;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;
using Elivepatch.Model.Progress;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Import;

/// <summary>Imports kernels from captures.</summary>
public sealed class CaptureImport(CacheRoot cache, IProgress<StageEvent>? progress = null)
{
    /// <summary>
    /// The image that the machine boots (<c>/boot/vmlinuz-RELEASE</c>), or null. With it builds are proven by the bytes of the
    /// code and not by its layout alone, and livepatches can be tried.
    /// </summary>
    public string? BootImagePath { get; init; }

    /// <summary>
    /// Files of modules (<c>.ko</c>, compressed or not) that livepatches may be built for; each must belong to the kernel.
    /// </summary>
    public IReadOnlyList<string> ModulePaths { get; init; } = [];

    /// <summary>The name for the record; null names it by its release.</summary>
    public string? Name { get; init; }

    /// <summary>Imports a kernel.</summary>
    /// <param name="capturePath">The capture file.</param>
    /// <param name="sourcePath">A source tree, or an archive of one.</param>
    /// <param name="basePatches">Patches that the kernel was built with, in order.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<KernelRecord>> RunAsync(
        string capturePath,
        string sourcePath,
        IReadOnlyList<string> basePatches,
        CancellationToken cancellation
    )
    {
        var read = Read(capturePath);
        if (!read.TryGet(out var capture))
        {
            return Outcome<KernelRecord>.Failure(read.Problems);
        }

        var config = KernelConfig.Parse(Encoding.UTF8.GetString(capture.Config.Span));
        if (KernelArchitectures.Of(capture.Facts.Machine) is not { } architecture)
        {
            return new Problem(
                CompileProblems.ConfigurationLacks,
                $"the machine is {capture.Facts.Machine}, and only {KernelArchitectures.Names} can be live patched"
            );
        }

        if (basePatches.FirstOrDefault(p => !File.Exists(p)) is { } missing)
        {
            return new Problem(CompileProblems.BasePatchFails, $"{missing} does not exist");
        }

        using var workspace = cache.NewWorkspace();
        var taken = await TakeImageAsync(capture.Facts, workspace.FullPath, cancellation);
        if (!taken.TryGet(out var image))
        {
            return Outcome<KernelRecord>.Failure(taken.Problems);
        }

        var compiledPath = TreeRecipe.FindSourcePath(config, image is null ? [] : image.Vmlinux.Span);

        if (await TakeModulesAsync(architecture, capture.Facts, workspace.FullPath, cancellation) is { } stranger)
        {
            return stranger;
        }

        progress?.Report(new("source", sourcePath, StageState.Running));
        var added = await new SourceArchives(cache).AddAsync(sourcePath, cancellation);
        progress?.Report(new("source", sourcePath, added.Succeeded ? StageState.Done : StageState.Failed));
        if (!added.TryGet(out var source))
        {
            return Outcome<KernelRecord>.Failure(added.Problems);
        }

        var patches = CopyPatches(basePatches, workspace.FullPath);
        var recipe = new TreeRecipe(
            architecture,
            source,
            config,
            capture.Facts.Release,
            [.. patches.Select(p => Path.Combine(workspace.FullPath, RecordFiles.BasePatches, p.Name))],
            null
        )
        {
            SourcePath = compiledPath,
        };
        var measured = await new TreePreparation(cache, progress).RunAsync(recipe, cancellation);
        return measured.Then<KernelRecord>(layouts => Write(capture, source, config, patches, layouts, compiledPath, workspace));
    }

    private static Outcome<CaptureFile> Read(string path)
    {
        var info = new FileInfo(path);
        if (!info.Exists)
        {
            return new Problem(CaptureProblems.CaptureUnreadable, $"{path} does not exist");
        }

        using var stream = info.OpenRead();
        return CaptureFile.Read(stream);
    }

    // Another kernel's image would refute every unit, and name the wrong reason.
    private async Task<Outcome<BootImage?>> TakeImageAsync(CaptureFacts facts, string folder, CancellationToken cancellation)
    {
        if (BootImagePath is null)
        {
            return (BootImage?)null;
        }

        var info = new FileInfo(BootImagePath);
        if (!info.Exists || info.Length > BootImage.Largest)
        {
            return new Problem(
                RecordProblems.BootImageUnreadable,
                $"{BootImagePath} {(info.Exists ? $"has {info.Length >> 20} MiB" : "does not exist")}"
            );
        }

        var bytes = await File.ReadAllBytesAsync(BootImagePath, cancellation);
        var opened = await BootImage.OpenAsync(bytes, cancellation);
        if (!opened.TryGet(out var image))
        {
            return opened.Problems[0];
        }

        if (image.BuildId.Hex != facts.BuildId)
        {
            return new Problem(
                RecordProblems.KernelContradicts,
                $"the captured kernel has build-id {facts.BuildId}, the boot image {image.BuildId}"
            );
        }

        await File.WriteAllBytesAsync(Path.Combine(folder, RecordFiles.BootImage), bytes, cancellation);
        await using var vmlinux = File.Create(Path.Combine(folder, RecordFiles.Vmlinux));
        await vmlinux.WriteAsync(image.Vmlinux, cancellation);
        return image;
    }

    private async Task<Problem?> TakeModulesAsync(
        KernelArchitecture architecture,
        CaptureFacts facts,
        string folder,
        CancellationToken cancellation
    )
    {
        var given = await GivenModules.ReadAsync(architecture, facts.Release, facts.Modules, ModulePaths, cancellation);
        if (!given.TryGet(out var modules))
        {
            return given.Problems[0];
        }

        foreach (var (name, content) in modules.All)
        {
            var home = Directory.CreateDirectory(Path.Combine(folder, RecordFiles.Modules)).FullName;
            await using var copy = File.Create(Path.Combine(home, name + ".ko"));
            await copy.WriteAsync(content, cancellation);
        }

        return null;
    }

    private static List<BasePatch> CopyPatches(IReadOnlyList<string> paths, string folder)
    {
        var home = Directory.CreateDirectory(Path.Combine(folder, RecordFiles.BasePatches)).FullName;
        var patches = new List<BasePatch>();
        foreach (var path in paths)
        {
            // Two patches may have one name, and the order matters.
            var name = $"{patches.Count + 1:0000}-{Path.GetFileName(path)}";
            File.Copy(path, Path.Combine(home, name));
            patches.Add(new(name, ContentDigest.Of(File.ReadAllBytes(path)).Hex));
        }
        return patches;
    }

    private KernelRecord Write(
        CaptureFile capture,
        SourceArchive source,
        KernelConfig config,
        IReadOnlyList<BasePatch> patches,
        Engine.Facts.EntryLayouts layouts,
        string? compiledPath,
        Workspace workspace
    )
    {
        Put(RecordFiles.Config, capture.Config);
        Put(RecordFiles.Kallsyms, capture.Kallsyms);
        if (capture.Symvers is { } symvers)
        {
            Put(RecordFiles.Symvers, symvers);
        }

        var store = new KernelStore(cache);
        var facts = capture.Facts;
        return store.Add(
            workspace,
            new KernelFacts
            {
                Name = Name ?? store.NameFor(facts.Release, new(facts.BuildId)),
                Release = facts.Release,
                BuildId = facts.BuildId,
                Compiler = config.CompilerText,
                Machine = facts.Machine,
                KernelVersionText = facts.KernelVersionText,
                SourceDigest = source.Key.Hex,
                SourcePath = compiledPath,
                BasePatches = patches,
                Origin = new("capture", [], DateTimeOffset.UtcNow),
                Modules = facts.Modules,
                Livepatches = facts.Livepatches,
                Layouts = layouts,
            }
        );

        void Put(string name, ReadOnlyMemory<byte> bytes)
        {
            using var stream = File.Create(Path.Combine(workspace.FullPath, name));
            stream.Write(bytes.Span);
        }
    }
}
