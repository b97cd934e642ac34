// In: the release of a stock Debian kernel. Out: its record. Packages give image, configuration, exports and source; the symbols
// come from booting the image once, because nothing in the packages has them.

using Elivepatch.Engine.Facts;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Packages;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;
using Elivepatch.Model.Progress;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Import;

/// <summary>Imports stock Debian kernels.</summary>
/// <param name="cache">Where packages, sources and records go.</param>
/// <param name="boot">Boots an image, given its processor and the path of the vmlinuz, and reads what it says of itself.</param>
/// <param name="progress">Told of every step.</param>
public sealed class DebianImport(
    CacheRoot cache,
    Func<KernelArchitecture, string, CancellationToken, Task<Outcome<BootFacts>>> boot,
    IProgress<StageEvent>? progress = null
)
{
    /// <summary>Imports a kernel.</summary>
    /// <param name="name">Its name, as in <see cref="DebianKernelName"/>.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<KernelRecord>> RunAsync(string name, CancellationToken cancellation)
    {
        progress?.Report(new("resolve", name, StageState.Running));
        var parsed = DebianKernelName.Parse(name);
        if (!parsed.TryGet(out var wanted))
        {
            return Outcome<KernelRecord>.Failure(parsed.Problems);
        }

        var found = await new DebianKernels(cache, progress).FindAsync(wanted, cancellation);
        if (!found.TryGet(out var offer))
        {
            return Outcome<KernelRecord>.Failure(found.Problems);
        }

        progress?.Report(new("resolve", offer.Kernel.Image.ToString(), StageState.Done));
        return await ImportAsync(offer.Kernel, offer.Archive, cancellation);
    }

    private async Task<Outcome<KernelRecord>> ImportAsync(
        DebianKernel kernel,
        DebianArchive archive,
        CancellationToken cancellation
    )
    {
        if (Known(kernel) is { } known)
        {
            progress?.Report(new("import", known.Facts.Name, StageState.Cached));
            return known;
        }
        using var workspace = cache.NewWorkspace();
        var files = await FetchAsync(kernel, archive, workspace.FullPath, cancellation);
        if (!files.TryGet(out var package))
        {
            return Outcome<KernelRecord>.Failure(files.Problems);
        }
        // Booting needs one processor, preparing the source the others.
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var booting = BootAsync(kernel, package, both.Token);
        var measuring = MeasureAsync(kernel, package, both.Token);
        if (!(await Task.WhenAny(booting, measuring) is var first && Failed(first)))
        {
            await Task.WhenAll(booting, measuring);
        }
        else
        {
            await both.CancelAsync();
        }

        var facts = await OrCancelled(booting);
        var measured = await OrCancelled(measuring);
        cancellation.ThrowIfCancellationRequested();
        if (facts is { Succeeded: false } || measured is { Succeeded: false })
        {
            return Outcome<KernelRecord>.Failure([.. facts?.Problems ?? [], .. measured?.Problems ?? []]);
        }

        return Write(kernel, archive.Suite, package, facts!.Value, measured!.Value, workspace);
    }

    private static bool Failed(Task task) =>
        task
            is Task<Outcome<BootFacts>> { IsCompletedSuccessfully: true, Result.Succeeded: false }
                or Task<Outcome<Measured>> { IsCompletedSuccessfully: true, Result.Succeeded: false }
                or { IsCompletedSuccessfully: false };

    private static async Task<Outcome<T>?> OrCancelled<T>(Task<Outcome<T>> task)
    {
        try
        {
            return await task;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private KernelRecord? Known(DebianKernel kernel) =>
        new KernelStore(cache).Open(kernel.Release).TryGet(out var record)
        && record.Facts.Origin.Packages.Contains(kernel.Image.ToString())
        && new SourceArchives(cache).Find(record.SourceKey).Succeeded
            ? record
            : null;

    private async Task<Outcome<PackageFiles>> FetchAsync(
        DebianKernel kernel,
        DebianArchive archive,
        string folder,
        CancellationToken cancellation
    )
    {
        var paths = new Dictionary<DebianPackage, string>();
        foreach (var package in kernel.Binaries.Append(kernel.Headers).Append(kernel.Source))
        {
            var path = await archive.DownloadAsync(package, cancellation);
            if (!path.Succeeded)
            {
                return Outcome<PackageFiles>.Failure(path.Problems);
            }

            paths[package] = path.Value;
        }
        progress?.Report(new("unpack", kernel.Release, StageState.Running));
        using var unpacked = cache.NewWorkspace();
        var headers = $"./usr/src/linux-headers-{kernel.Release}";
        var problem = await Archives.UnpackDebianPackageAsync(
            paths[kernel.Headers],
            unpacked.FullPath,
            [$"{headers}/.config", $"{headers}/Module.symvers", $"{headers}/include", $"{headers}/arch"],
            cancellation
        );
        foreach (var package in kernel.Binaries)
        {
            problem ??= await Archives.UnpackDebianPackageAsync(
                paths[package],
                unpacked.FullPath,
                PackageFiles.WithoutModules,
                cancellation
            );
        }

        if (problem is not null)
        {
            return Outcome<PackageFiles>.Failure([problem]);
        }

        var outcome = await PackageFiles.ExtractAsync(kernel, unpacked.FullPath, folder, cancellation);
        if (!outcome.Succeeded)
        {
            return outcome;
        }

        var source = await new SourceArchives(cache).AddPackageAsync(paths[kernel.Source], kernel.Source.Digest, cancellation);
        progress?.Report(new("unpack", kernel.Release, source.Succeeded ? StageState.Done : StageState.Failed));
        return source.Then<PackageFiles>(s => outcome.Value with { Source = s });
    }

    private async Task<Outcome<BootFacts>> BootAsync(DebianKernel kernel, PackageFiles package, CancellationToken cancellation)
    {
        progress?.Report(new("boot", "read the kernel's own symbols", StageState.Running));
        var outcome = await boot(kernel.Architecture, package.BootImagePath, cancellation);
        var checkedFacts = outcome.Then<BootFacts>(facts =>
            facts.BuildId != package.Image.BuildId.Hex
                ? new Problem(
                    RecordProblems.KernelContradicts,
                    $"the booted kernel has build-id {facts.BuildId}, its image {package.Image.BuildId}"
                )
            : facts.Release != package.Release
                ? new Problem(
                    RecordProblems.KernelContradicts,
                    $"the booted kernel is {facts.Release}, its package {package.Release}"
                )
            : facts
        );
        progress?.Report(new("boot", "", checkedFacts.Succeeded ? StageState.Done : StageState.Failed));
        return checkedFacts;
    }

    private async Task<Outcome<Measured>> MeasureAsync(DebianKernel kernel, PackageFiles package, CancellationToken cancellation)
    {
        var config = KernelConfig.Parse(await File.ReadAllTextAsync(package.ConfigPath, cancellation));
        var path = TreeRecipe.FindSourcePath(config, package.Image.Vmlinux.Span);
        var recipe = new TreeRecipe(kernel.Architecture, package.Source!, config, kernel.Release, [], package.HeadersPath)
        {
            SourcePath = path,
        };
        var layouts = await new TreePreparation(cache, progress).RunAsync(recipe, cancellation);
        return layouts.Then<Measured>(l => new Measured(config, l, path));
    }

    private KernelRecord Write(
        DebianKernel kernel,
        DebianSuite? suite,
        PackageFiles package,
        BootFacts facts,
        Measured measured,
        Workspace workspace
    )
    {
        using (var stream = File.Create(Path.Combine(workspace.FullPath, RecordFiles.Kallsyms)))
        {
            stream.Write(facts.Kallsyms.Span);
        }

        var store = new KernelStore(cache);
        return store.Add(
            workspace,
            new KernelFacts
            {
                Name = kernel.Release,
                Release = kernel.Release,
                Machine = kernel.Architecture.Machine,
                BuildId = facts.BuildId,
                Compiler = measured.Config.CompilerText,
                KernelVersionText = facts.Version,
                SourceDigest = package.Source!.Key.Hex,
                SourcePath = measured.SourcePath,
                Origin = new("debian", kernel.PackageNames, DateTimeOffset.UtcNow) { Suite = suite?.Name },
                Layouts = measured.Layouts,
            }
        );
    }

    private sealed record Measured(KernelConfig Config, EntryLayouts Layouts, string? SourcePath);
}
