// In: a recipe. Out: the tree it makes, from the cache where it has been made before. After preparation the configuration must
// be what it was and the generated headers those of the kernel's package: kbuild asks the tools of the machine what they can do
// and silently changes options by their answers, which is how a rebuild comes to differ from the kernel that runs.

using System.Globalization;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Model;
using Elivepatch.Model.Progress;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Trees;

/// <summary>Makes prepared trees.</summary>
public sealed class PreparedTrees(CacheRoot cache, IProgress<StageEvent>? progress = null)
{
    private const string Stage = "prepare";
    private const string Source = "source";
    private const string Tools = "tools";

    // 85,000 files are too many to look at each time. These are what we run or what preparation made; a damaged source file
    // shows when it does not compile or does not fit the running kernel.
    private static readonly string[] Vouched =
    [
        Tools + "/",
        Source + "/scripts/",
        Source + "/include/generated/",
        .. KernelArchitectures.All.Select(a => $"{Source}/{a.GeneratedHeaders}/"),
        Source + "/tools/objtool/objtool",
        Source + "/include/config/auto.conf",
        Source + "/.config",
        Source + "/Makefile",
    ];

    private static readonly EntryKind Kind = new("trees", path => Vouched.Any(v => path.StartsWith(v, StringComparison.Ordinal)));

    /// <summary>The tree of an imported kernel.</summary>
    public async Task<Outcome<PreparedTree>> GetAsync(KernelRecord record, CancellationToken cancellation)
    {
        var recipe = TreeRecipe.For(record, cache);
        return recipe.Succeeded ? await GetAsync(recipe.Value, cancellation) : Outcome<PreparedTree>.Failure(recipe.Problems);
    }

    /// <summary>The tree that a recipe makes.</summary>
    public async Task<Outcome<PreparedTree>> GetAsync(TreeRecipe recipe, CancellationToken cancellation)
    {
        if (ConfigRules.Check(recipe.Architecture, recipe.Config) is { Count: > 0 } problems)
        {
            return Outcome<PreparedTree>.Failure(problems);
        }

        var compiler = await new ToolchainFinder(cache, progress).GetAsync(
            recipe.Architecture,
            RequiredTools.Of(recipe.Config),
            cancellation
        );
        if (!compiler.Succeeded)
        {
            return Outcome<PreparedTree>.Failure(compiler.Problems);
        }

        var made = false;
        var key = KeyOf(recipe, compiler.Value);
        var entry = await cache.GetAsync(
            Kind,
            key,
            folder =>
            {
                made = true;
                return PrepareAsync(recipe, compiler.Value, folder, cancellation);
            },
            cancellation
        );
        Report(
            entry.Succeeded
                ? made
                    ? StageState.Done
                    : StageState.Cached
                : StageState.Failed,
            ""
        );
        return entry.Then<PreparedTree>(folder => new PreparedTree(
            recipe.Architecture,
            key,
            Path.Combine(folder, Source),
            Path.Combine(folder, Tools),
            recipe.Config,
            recipe.Release,
            compiler.Value
        )
        {
            CompiledPath = recipe.SourcePath,
        });
    }

    // What preparation builds needs the libraries of the userland that built it.
    private static ContentDigest KeyOf(TreeRecipe recipe, Toolchain compiler) =>
        compiler.Root is { } root ? ContentDigest.OfParts(recipe.Key.Hex, root.Hex) : recipe.Key;

    private async Task<Problem?> PrepareAsync(
        TreeRecipe recipe,
        Toolchain compiler,
        string folder,
        CancellationToken cancellation
    )
    {
        var source = Directory.CreateDirectory(Path.Combine(folder, Source)).FullName;
        var tools = Directory.CreateDirectory(Path.Combine(folder, Tools)).FullName;
        Report(StageState.Running, "unpack the source");
        return await Archives.UnpackSourceAsync(recipe.Source.FilePath, source, cancellation)
            ?? CheckIsKernel(source)
            ?? await ApplyAsync(recipe.BasePatches, source, cancellation)
            ?? WriteInputs(recipe, compiler, source, tools)
            ?? await MakeAsync(recipe, compiler, source, tools, cancellation)
            ?? TakeBuilder(recipe, source)
            ?? CheckConfig(recipe, source)
            ?? CheckHeaders(recipe, source);
    }

    private static Problem? CheckIsKernel(string source) =>
        new[] { "Kconfig", "Makefile", "kernel/livepatch/core.c" }.All(f => File.Exists(Path.Combine(source, f)))
            ? null
            : new Problem(RecordProblems.SourceUnusable, "it has no Kconfig, Makefile or kernel/livepatch/core.c at its top");

    private static async Task<Problem?> ApplyAsync(IReadOnlyList<string> patches, string source, CancellationToken cancellation)
    {
        foreach (var patch in patches)
        {
            var outcome = await Sandbox.RunAsync(
                new SandboxRequest
                {
                    File = "patch",
                    // Only unified diffs: patch would also read others, among them scripts for ed.
                    Arguments =
                    [
                        "-p1",
                        "--unified",
                        "--batch",
                        "--forward",
                        "--fuzz=0",
                        "--no-backup-if-mismatch",
                        "--input=/patch",
                    ],
                    Binds = [new(source, PreparedTree.InsidePath, Writable: true), new(patch, "/patch")],
                    WorkingDirectory = PreparedTree.InsidePath,
                },
                cancellation
            );
            if (!outcome.TryGet(out var result))
            {
                return outcome.Problems[0];
            }

            if (!result.Succeeded)
            {
                return new Problem(CompileProblems.BasePatchFails, $"{Path.GetFileName(patch)}: {result.Output.Trim()}");
            }
        }
        return null;
    }

    private static Problem? WriteInputs(TreeRecipe recipe, Toolchain compiler, string source, string tools)
    {
        foreach (
            var leftover in new[] { ".config.old", "include/config", "include/generated", recipe.Architecture.GeneratedHeaders }
        )
        {
            var path = Path.Combine(source, leftover);
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }

            File.Delete(path);
        }
        File.WriteAllText(Path.Combine(source, ".config"), recipe.Config.Text);
        File.CreateSymbolicLink(Path.Combine(tools, compiler.Name), compiler.ExecutablePath);
        var pahole = Path.Combine(tools, "pahole");
        File.WriteAllText(pahole, KbuildEnvironment.PaholeScript(recipe.Config));
        File.SetUnixFileMode(pahole, (UnixFileMode)Convert.ToInt32("755", 8));
        return null;
    }

    private async Task<Problem?> MakeAsync(
        TreeRecipe recipe,
        Toolchain compiler,
        string source,
        string tools,
        CancellationToken cancellation
    )
    {
        Report(StageState.Running, "make modules_prepare");
        var jobs = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture);
        var outcome = await Sandbox.RunAsync(
            new SandboxRequest
            {
                File = "make",
                Arguments =
                [
                    "-j",
                    jobs,
                    .. KbuildEnvironment.MakeVariables(recipe.Architecture, recipe.Config, recipe.Release, compiler),
                    "modules_prepare",
                ],
                Userland = compiler.Userland,
                Environment = KbuildEnvironment.Variables,
                Binds = [new(source, PreparedTree.InsidePath, Writable: true), new(tools, PreparedTree.ToolsInsidePath)],
                WorkingDirectory = PreparedTree.InsidePath,
                Timeout = TimeSpan.FromMinutes(15),
                OnOutputLine = line => Report(StageState.Running, line.Trim()),
            },
            cancellation
        );
        if (!outcome.TryGet(out var result))
        {
            return outcome.Problems[0];
        }

        if (result.Succeeded)
        {
            return null;
        }

        return CheckConfig(recipe, source) ?? new Problem(CompileProblems.PreparationFailed, result.Describe());
    }

    // Who built the kernel, when, and as which package is in its banner and in messages: kernel/hung_task.c has the package's
    // name.
    private static Problem? TakeBuilder(TreeRecipe recipe, string source)
    {
        foreach (var (path, text) in recipe.BuilderHeaders)
        {
            File.WriteAllBytes(Path.Combine(source, path), text);
        }

        return null;
    }

    private static Problem? CheckConfig(TreeRecipe recipe, string source)
    {
        var after = KernelConfig.Parse(File.ReadAllText(Path.Combine(source, ".config")));
        var changes = after.DifferencesFrom(recipe.Config, o => ConfigRules.MayAppear(o, recipe.Config));
        return changes.Count == 0
            ? null
            : new Problem(CompileProblems.ConfigurationChanged, $"preparation changed {Summary(changes)}");
    }

    private static Problem? CheckHeaders(TreeRecipe recipe, string source)
    {
        if (recipe.PackagedHeaders is not { } packaged)
        {
            return null;
        }

        var differing = Directory
            .EnumerateFiles(packaged, "*.h", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(packaged, path))
            .Where(path =>
                IsMadeByPreparation(path, source) && !SameText(Path.Combine(packaged, path), Path.Combine(source, path))
            )
            .Order(StringComparer.Ordinal)
            .ToList();
        return differing.Count == 0 ? null : new Problem(CompileProblems.GeneratedHeaderDiffers, Summary(differing));
    }

    private static bool IsMadeByPreparation(string path, string source) => File.Exists(Path.Combine(source, path));

    private static bool SameText(string one, string other) =>
        File.ReadAllBytes(one).AsSpan().SequenceEqual(File.ReadAllBytes(other));

    private static string Summary(IReadOnlyList<string> items) =>
        string.Join("; ", items.Take(8)) + (items.Count > 8 ? $"; and {items.Count - 8} more" : "");

    private void Report(StageState state, string detail) => progress?.Report(new(Stage, detail, state));
}
