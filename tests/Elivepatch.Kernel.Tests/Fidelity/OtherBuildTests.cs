using Elivepatch.Elf;
using Elivepatch.Engine;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Compile;
using Elivepatch.Model;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.Fidelity;

/// <summary>
/// Whatever about a build makes other code than the running kernel has is found, and what makes the same code is not held against
/// it: the proof is of code, not of flags.
/// </summary>
public sealed class OtherBuildTests(StockKernel stock)
{
    private const string AutoConfig = "include/generated/autoconf.h";

    // Some deviations change no code of the small one, all of them some code of the large ones.
    private static readonly string[] Units = ["fs/proc/meminfo.c", "fs/namei.c", "kernel/fork.c"];

    public static TheoryData<string> Deviations => [.. Deviation.All.Select(d => d.Name)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Deviations))]
    public async Task Every_unit_whose_code_is_not_the_kernels_is_refused_and_no_other(string deviation)
    {
        var found = await Task.WhenAll(Units.Select(u => CheckAsync(u, Deviation.All.Single(d => d.Name == deviation))));
        Assert.Contains(true, found);
    }

    // LINUX_PACKAGE_ID, which Debian's build gives its headers and no preparation of ours can know.
    [Theory]
    [InlineData("kernel/hung_task.c")]
    [InlineData("lib/dump_stack.c")]
    public async Task Code_that_names_the_package_of_the_kernel_is_the_kernels(string unit)
    {
        var record = await stock.RecordAsync();
        var kernel = Get(RunningKernel.Load(record));
        Assert.Contains(
            record.Facts.Release[..record.Facts.Release.IndexOf('+', StringComparison.Ordinal)],
            await File.ReadAllTextAsync(
                Path.Combine((await stock.TreeAsync()).Folder, "include/generated/package.h"),
                Cancellation
            )
        );

        var outcome = FidelityCheck.Run(
            X8664Architecture.Instance,
            unit,
            await CompileAsync(unit, Deviation.None),
            kernel.Vmlinux,
            record.Facts.Compiler
        );

        Assert.Equal(PlacementProof.Bytes, Get(outcome).Proof);
    }

    // Gives whether the deviation changed the unit.
    private async Task<bool> CheckAsync(string unit, Deviation deviation)
    {
        var record = await stock.RecordAsync();
        var kernel = Get(RunningKernel.Load(record));
        var deviating = await CompileAsync(unit, deviation);
        var changed = ChangedSymbols.Between(await CompileAsync(unit, Deviation.None), deviating);
        var outcome = FidelityCheck.Run(X8664Architecture.Instance, unit, deviating, kernel.Vmlinux, record.Facts.Compiler);
        if (changed.Count == 0)
        {
            Assert.Equal(PlacementProof.Bytes, Get(outcome).Proof);
            return false;
        }
        var problem = Assert.Single(outcome.Problems);
        Assert.Equal(ProblemKind.Mismatch, problem.Code.Kind);
        Assert.Contains(record.Facts.Compiler, problem.Reason);
        var named = NamedBy(problem);
        if (problem.Code == FidelityProblems.BytesDiffer)
        {
            Assert.Subset(changed.ToHashSet(), named);
        }
        else
        {
            Assert.NotEmpty(named.Intersect(changed));
        }

        return true;
    }

    // "UNIT ... in the running kernel: NAME (what), NAME (what); ..."; a table is "NAME in SECTION (what)", code without a name
    // ".SECTION+OFFSET (what)".
    private static HashSet<string> NamedBy(Problem problem) =>
        [
            .. problem
                .Reason.Split(" in the running kernel: ", 2)[1]
                .Split("; the kernel was built by")[0]
                .Split("), ")
                .Select(p => p.Split(' ')[0])
                .Where(n => !n.StartsWith('.')),
        ];

    private async Task<ElfObject> CompileAsync(string unit, Deviation deviation)
    {
        var tree = await stock.TreeAsync();
        var command = Get(await new KbuildCommands(stock.Cache).ForUnitsAsync(tree, [unit], Cancellation))[0];
        var config = deviation.ConfigFrom(await File.ReadAllTextAsync(Path.Combine(tree.Folder, AutoConfig), Cancellation));
        var overlay = config is null
            ? SourceOverlay.None
            : new(new Dictionary<string, ReadOnlyMemory<byte>> { [AutoConfig] = config });
        var compiled = await new UnitCompiler(stock.Cache).CompileAsync(
            tree,
            command with
            {
                Arguments = deviation.Arguments(command.Arguments),
            },
            overlay,
            CompileVariant.AsBuilt,
            Cancellation
        );
        return ElfReader.Read(Get(compiled).Object.ToArray());
    }
}
