// In: an order. Out: the livepatch with all that can be said of it, or why there is none. It knows neither database nor keys, so
// that it may run on another machine: what has to be signed is handed out and comes back signed.

using Elivepatch.Builder.Sources;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;
using Elivepatch.Model.Progress;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Captures;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Builder.Jobs;

/// <summary>Runs builds: import, build, signature, test, statement.</summary>
/// <param name="cache">Where everything lies that can be had again.</param>
/// <param name="sources">Where kernels' sources come from.</param>
/// <param name="policy">What the operator decided.</param>
/// <param name="signModule">Appends the kernel's own signature to a module; null where modules are not signed.</param>
/// <param name="clock">The clock of statements.</param>
public sealed class BuildJob(
    CacheRoot cache,
    KernelSources sources,
    BuildPolicy policy,
    Func<byte[], KernelConfig, CancellationToken, Task<Outcome<byte[]>>>? signModule,
    TimeProvider clock
)
{
    /// <summary>Runs a build.</summary>
    public async Task<BuildProduct> RunAsync(BuildOrder order, IProgress<BuildEvent> journal, CancellationToken cancellation)
    {
        var started = clock.GetUtcNow();
        var progress = new JournalReporter(journal);
        using var workspace = cache.NewWorkspace();
        var patches = await WriteAsync(order.Submission.Patches, Path.Combine(workspace.FullPath, "patches"), cancellation);
        var basePatches = await WriteAsync(
            order.Submission.BasePatches,
            Path.Combine(workspace.FullPath, "base-patches"),
            cancellation
        );

        var imported = await new KernelImport(cache, sources).RunAsync(order, basePatches, progress, cancellation);
        if (!imported.TryGet(out var kernel))
        {
            return Failed(imported.Problems, progress);
        }

        if (policy.Trial == TrialPolicy.Required && kernel.Record.BootImagePath is null)
        {
            return Failed(
                [new(BuilderProblems.TestImpossible, $"the boot image of {order.Kernel.Release} is not known")],
                progress
            );
        }

        var taken = AuthorStatements.Of(order.Submission.Statements);
        if (!taken.TryGet(out var statements))
        {
            return Failed(taken.Problems, progress);
        }

        var request = new BuildRequest(
            kernel.Record,
            patches,
            kernel.FurtherBasePatches,
            order.Submission.Name,
            order.Submission.Replace,
            KeepFolder: null
        )
        {
            Statements = statements,
            MostUnits = policy.MostUnits,
            ModuleFiles = LinkModules(order, Path.Combine(workspace.FullPath, "modules")),
        };
        var built = await new LivepatchBuild(cache, progress).RunAsync(request, cancellation);
        if (!built.TryGet(out var livepatch))
        {
            return Failed(built.Problems, progress);
        }

        foreach (var warning in livepatch.Warnings)
        {
            progress.Log(warning);
        }

        var signed = await SignAsync(livepatch.Module, kernel.Record, progress, cancellation);
        if (!signed.TryGet(out var module))
        {
            return Failed(signed.Problems, progress);
        }

        var tried = await TryAsync(order, kernel.Record, livepatch, module, workspace, progress, cancellation);
        if (!tried.TryGet(out var trial))
        {
            return Failed(tried.Problems, progress);
        }

        if (trial.Report is { Passed: false } failed && policy.Trial != TrialPolicy.Optional)
        {
            return Failed(TrialProblems.Of(failed, policy), progress) with
            {
                Console = TrialConsole.Write(failed),
                Tested = false,
            };
        }

        return new()
        {
            Module = livepatch.Name,
            Artifact = module,
            Explanation = livepatch.Explanation,
            Console = trial.Report is { } report ? TrialConsole.Write(report) : null,
            Tested = trial.Report?.Passed,
            Statement = BuildStatement.Of(
                order,
                kernel.Record,
                module,
                livepatch.Explanation,
                Summary(order, trial.Report),
                started,
                clock.GetUtcNow()
            ),
        };
    }

    private async Task<Outcome<byte[]>> SignAsync(
        byte[] module,
        KernelRecord kernel,
        JournalReporter progress,
        CancellationToken cancellation
    )
    {
        if (signModule is null)
        {
            return module;
        }

        progress.Report(new("sign module", "", StageState.Running));
        var signed = await signModule(module, kernel.ReadConfig(), cancellation);
        progress.Report(new("sign module", "", signed.Succeeded ? StageState.Done : StageState.Failed));
        return signed;
    }

    // The signed module, as it will be loaded, is what is tried.
    private async Task<Outcome<Trial>> TryAsync(
        BuildOrder order,
        KernelRecord kernel,
        BuildResult livepatch,
        byte[] module,
        Workspace workspace,
        JournalReporter progress,
        CancellationToken cancellation
    )
    {
        if (policy.Trial == TrialPolicy.Off || kernel.BootImagePath is not { } image)
        {
            return new Trial(null);
        }

        var path = Path.Combine(workspace.FullPath, $"{livepatch.Name}.ko");
        await File.WriteAllBytesAsync(path, module, cancellation);
        progress.Report(new("test", "", StageState.Running));
        var outcome = await LivepatchTrial.RunAsync(
            new TrialRequest
            {
                Architecture = kernel.Facts.Architecture,
                Kernel = image,
                Modules = livepatch.ModuleFiles,
                Cases =
                [
                    new()
                    {
                        Name = livepatch.Name,
                        Modules = [path],
                        Script = order.Submission.Script,
                        ScriptTimeout = policy.ScriptTime,
                    },
                ],
                OnProgress = line => progress.Log($"test: {line}"),
            },
            cancellation
        );
        if (!outcome.TryGet(out var reports))
        {
            progress.Report(new("test", outcome.Problems[0].Reason, StageState.Failed));
            return policy.Trial == TrialPolicy.Optional ? new Trial(null) : Outcome<Trial>.Failure(outcome.Problems);
        }

        progress.Report(new("test", "", reports[0].Passed ? StageState.Done : StageState.Failed));
        return new Trial(reports[0]);
    }

    private static TestSummary? Summary(BuildOrder order, TrialReport? report) =>
        report is null
            ? null
            : new(
                report.Passed,
                [.. report.Phases.Select(p => p.Name)],
                report.TransitionSeconds,
                BuildStatement.Script(order.Submission.Script)
            )
            {
                Untested = report.Untested,
            };

    // Blobs are called by their digests, and messages name the file.
    private static List<string> LinkModules(BuildOrder order, string folder)
    {
        var links = new List<string>();
        foreach (var (module, path) in order.Submission.Modules.Zip(order.ModulePaths))
        {
            Directory.CreateDirectory(folder);
            links.Add(Path.Combine(folder, $"{module.Name}.ko"));
            File.CreateSymbolicLink(links[^1], path);
        }

        return links;
    }

    // Two patches may have one name: each has a folder of its own.
    private static async Task<IReadOnlyList<string>> WriteAsync(
        IReadOnlyList<PatchFile> files,
        string folder,
        CancellationToken cancellation
    )
    {
        var paths = new List<string>();
        foreach (var file in files)
        {
            var place = Directory.CreateDirectory(Path.Combine(folder, $"{paths.Count + 1:0000}")).FullName;
            var path = Path.Combine(place, Path.GetFileName(file.Name));
            await File.WriteAllBytesAsync(path, file.Content, cancellation);
            paths.Add(path);
        }

        return paths;
    }

    private static BuildProduct Failed(IReadOnlyList<Problem> problems, JournalReporter progress)
    {
        foreach (var problem in problems)
        {
            progress.Log(problem.ToString());
        }

        return new() { Problems = problems };
    }

    private sealed record Trial(TrialReport? Report);
}
