using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.SelfConfigured;

/// <summary>A kernel that no distribution built is live patched by what its own machine tells of it.</summary>
public sealed class SelfConfiguredKernelTests(SelfConfiguredKernel kernel) : IClassFixture<SelfConfiguredKernel>, IDisposable
{
    // Each has a script that sees the old behaviour before and after, and the new one in between.
    private static readonly string[] Cases = ["meminfo", "printk", "static-key", "static-function"];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("self-configured-tests-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task It_is_live_patched_by_its_capture_source_and_base_patch()
    {
        var record = await kernel.RecordAsync();
        Assert.EndsWith("-own", record.Facts.Release);
        Assert.Null(record.BootImagePath);
        Assert.True(record.ReadConfig().IsSet("PRINTK_INDEX"));
        Assert.False(record.ReadConfig().IsSet("X86_KERNEL_IBT"));
        var cases = new List<TrialCase>();
        foreach (var name in Cases)
        {
            var built = Get(await BuildAsync(record, name));
            Assert.Equal("layout", Assert.Single(built.Explanation.Units).Proof);
            var module = Path.Combine(folder.FullName, $"{built.Name}.ko");
            await File.WriteAllBytesAsync(module, built.Module, Cancellation);
            var script = await File.ReadAllTextAsync(SelfConfiguredKernel.Data($"{name}.sh"), Cancellation);
            cases.Add(
                new()
                {
                    Name = name,
                    Modules = [module],
                    Script = script,
                }
            );
        }
        var request = new TrialRequest
        {
            Architecture = KernelArchitectures.X8664,
            Kernel = await kernel.BootImageAsync(),
            Cases = cases,
        };
        var reports = Get(await LivepatchTrial.RunAsync(request, Cancellation));
        Assert.All(
            reports,
            r =>
                Assert.True(
                    r.Passed,
                    string.Join('\n', [r.Case, .. r.Problems.Select(p => p.ToString()), .. r.Phases.Select(p => p.Output)])
                )
        );
    }

    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task Without_its_base_patch_the_patched_function_is_refused()
    {
        var record = await kernel.RecordAsync();
        var outcome = await BuildAsync(record with { Facts = record.Facts with { BasePatches = [] } }, "other-context");
        var problem = Assert.Single(outcome.Problems);
        Assert.Equal(ProblemKind.Mismatch, problem.Code.Kind);
        Assert.True(problem.Reason.Contains("meminfo_proc_show (", StringComparison.Ordinal), problem.Reason);
    }

    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task With_its_boot_image_the_bytes_are_proven()
    {
        var record = await kernel.RecordWithImageAsync();
        Assert.Equal("bytes", Assert.Single(Get(await BuildAsync(record, "meminfo")).Explanation.Units).Proof);
    }

    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task The_livepatch_says_where_its_messages_come_from()
    {
        var built = Get(await BuildAsync(await kernel.RecordAsync(), "printk"));
        var module = Elf.ElfReader.Read(built.Module);
        // One pointer to a struct pi_entry for each of the two messages (include/linux/printk.h).
        Assert.Equal(2 * 8UL, module.FindSection(".printk_index")?.Size);
    }

    private Task<Outcome<BuildResult>> BuildAsync(KernelRecord record, string name) =>
        new LivepatchBuild(kernel.Cache).RunAsync(
            new(record, [SelfConfiguredKernel.Data($"{name}.patch")], [], null, Replace: true, null),
            Cancellation
        );
}
