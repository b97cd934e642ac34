using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Packages;
using Elivepatch.Kernel.Patches;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Tests.Cases;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Kernel.Trees;
using Elivepatch.Kernel.VirtualMachines;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.OtherDebians;

/// <summary>
/// Kernels of other Debian releases than that of this machine, with their own compilers in toolchain roots: Debian 13's, that of
/// its backports (packages in parts, UBSAN, Rust compiled in, source at a whole path) and that of unstable.
/// </summary>
public sealed class OtherDebianKernelTests(StockKernel stock) : IDisposable
{
    private const string Unit = "fs/proc/meminfo.c";
    private const string Module = "drivers/block/loop.c";
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("other-debian-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Theory(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    [InlineData("debian:trixie/newest-cloud-6.12", "gcc-14", false)]
    [InlineData("debian:trixie-backports/newest-cloud", "gcc-14", true)]
    [InlineData("debian:sid/newest-cloud", "gcc-16", true)]
    public async Task Its_kernel_and_a_module_of_it_are_live_patched_with_the_compiler_that_built_them(
        string name,
        string compiler,
        bool hasPath
    )
    {
        var record = Get(await new DebianImport(stock.Cache, KernelBoot.ReadFactsAsync).RunAsync(name, Cancellation));
        Assert.Contains(compiler, record.Facts.Compiler, StringComparison.Ordinal);
        Assert.Equal(hasPath, record.Facts.SourcePath is not null);
        var tree = Get(await new PreparedTrees(stock.Cache).GetAsync(record, Cancellation));
        Assert.NotNull(tree.Compiler.Root);

        var built = Get(
            await new LivepatchBuild(stock.Cache).RunAsync(
                new(
                    record,
                    [
                        await PatchAsync(tree, Unit, "\"VmallocChunk:   \"", "\"VMALLOCCHUNK:   \""),
                        await PatchAsync(
                            tree,
                            Module,
                            "\"%llu\\n\", (unsigned long long)lo->lo_offset",
                            "\"%llu \\n\", (unsigned long long)lo->lo_offset"
                        ),
                    ],
                    [],
                    null,
                    Replace: true,
                    null
                ),
                Cancellation
            )
        );
        Assert.All(built.Explanation.Units, u => Assert.Equal("bytes", u.Proof));
        Assert.Equal([Module, Unit], built.Explanation.Units.Select(u => u.Unit));

        var report = await TryAsync(record, built);
        Assert.True(
            report.Passed,
            string.Join('\n', [.. report.Problems.Select(p => p.ToString()), .. report.Phases.Select(p => p.Output)])
        );
    }

    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task A_livepatch_is_tried_by_the_emulator_of_another_Debian()
    {
        var root = Get(
            await new DebianRoots(stock.Cache).MakeAsync(
                Get(DebianSuite.Parse("trixie")),
                "gcc-14",
                Cancellation,
                hasEmulator: true
            )
        );
        var record = await stock.RecordAsync();
        var emulator = record.Facts.Architecture.Emulator.Program;
        Assert.NotEqual(await VersionAsync(Userland.Host), await VersionAsync(root.Userland));
        var tree = await stock.TreeAsync();
        var built = Get(
            await new LivepatchBuild(stock.Cache).RunAsync(
                new(
                    record,
                    [await PatchAsync(tree, Unit, "\"VmallocChunk:   \"", "\"VMALLOCCHUNK:   \"")],
                    [],
                    null,
                    Replace: true,
                    null
                ),
                Cancellation
            )
        );
        var report = await TryAsync(record, built, root.Userland);
        Assert.True(report.Passed, string.Join('\n', report.Problems));

        async Task<string> VersionAsync(Userland userland) =>
            Get(
                await Sandbox.RunAsync(
                    new SandboxRequest
                    {
                        File = emulator,
                        Arguments = ["--version"],
                        Userland = userland,
                    },
                    Cancellation
                )
            ).Output;
    }

    // The cases are written for the stock kernel: of those whose patches apply to this source as well, a part of all kinds.
    [Theory(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    [InlineData("debian:trixie/newest-cloud-6.12", 20)]
    [InlineData("debian:trixie-backports/newest-cloud", 20)]
    [InlineData("debian:sid/newest-cloud", 20)]
    [InlineData("debian:newest", 3)]
    public async Task Cases_of_the_stock_kernel_are_built_refused_and_live_there_as_well(string name, int most)
    {
        var record = Get(await new DebianImport(stock.Cache, KernelBoot.ReadFactsAsync).RunAsync(name, Cancellation));
        var tree = Get(await new PreparedTrees(stock.Cache).GetAsync(record, Cancellation));
        var applying = LivepatchCase
            .All.Where(c => c is { Replaces: null, OwnBoot: false, Expect.Status: 0 or 4 } && Applies(tree, c))
            .ToList();
        var cases = applying.Where((_, i) => i * most / applying.Count != (i - 1) * most / applying.Count || i == 0).ToList();
        Assert.Equal(most, cases.Count);

        using var builds = new CaseBuilds(stock.Cache, () => Task.FromResult(record));
        var outcomes = await Task.WhenAll(cases.Select(builds.GetAsync));
        var reports = await CaseTrials.TryAsync(stock.Cache, record, builds, cases.Where(c => c.Expect.Status == 0));

        var wrong = new List<string>();
        var refused = new List<string>();
        foreach (var (one, outcome) in cases.Zip(outcomes))
        {
            if (outcome.Succeeded && one.Expect.Status != 0)
            {
                wrong.Add($"{one.Name} was built");
            }
            else if (!outcome.Succeeded && one.Expect.Status == 0)
            {
                refused.Add($"{one.Name}: {outcome.Problems[0]}");
            }
            else if (reports.GetValueOrDefault(one.Name) is { } report)
            {
                wrong.AddRange(report.Problems.Where(p => !CaseTrialTests.IsExpected(p, one)).Select(p => $"{one.Name}: {p}"));
            }
        }

        Assert.Empty(wrong);
        // Another compiler may put a function where no livepatch can follow.
        Assert.True(refused.Count <= most / 10, string.Join('\n', refused));
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{applying.Count} cases apply to {record.Facts.Release}; tried {string.Join(", ", reports.Keys)}"
        );
    }

    private static bool Applies(PreparedTree tree, LivepatchCase one)
    {
        var patches = one.PatchFiles.Select(p => SourcePatch.Parse(File.ReadAllBytes(p), Path.GetFileName(p))).ToList();
        return patches.TrueForAll(p => p.Succeeded) && PatchedSources.Apply(tree, [.. patches.Select(p => p.Value)]).Succeeded;
    }

    private async Task<TrialReport> TryAsync(KernelRecord record, BuildResult built, Userland? userland = null)
    {
        var module = Path.Combine(folder.FullName, $"{built.Name}.ko");
        await File.WriteAllBytesAsync(module, built.Module, Cancellation);
        var reports = Get(
            await LivepatchTrial.RunAsync(
                new()
                {
                    Architecture = record.Facts.Architecture,
                    Kernel = record.BootImagePath!,
                    Userland = userland ?? Userland.Host,
                    Modules = new(stock.Cache, record),
                    Cases =
                    [
                        new()
                        {
                            Name = "caps",
                            Modules = [module],
                            Script = "grep -qi vmallocchunk /proc/meminfo",
                        },
                    ],
                },
                Cancellation
            )
        );
        return Assert.Single(reports);
    }

    // One line of a file, as it is in this version of the source.
    private async Task<string> PatchAsync(PreparedTree tree, string path, string before, string after)
    {
        var lines = await File.ReadAllLinesAsync(Path.Combine(tree.Folder, path), Cancellation);
        var number = Array.FindIndex(lines, l => l.Contains(before, StringComparison.Ordinal));
        Assert.True(number >= 0, $"{path} has no {before}");
        var file = Path.Combine(folder.FullName, Path.GetFileName(path) + ".patch");
        var line = lines[number];
        await File.WriteAllTextAsync(
            file,
            $"--- a/{path}\n+++ b/{path}\n@@ -{number + 1} +{number + 1} @@\n-{line}\n+{line.Replace(before, after, StringComparison.Ordinal)}\n",
            Cancellation
        );
        return file;
    }
}
