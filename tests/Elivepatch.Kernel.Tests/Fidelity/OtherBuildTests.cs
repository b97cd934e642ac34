using Elivepatch.Elf;
using Elivepatch.Engine;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Engine.Targets;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Import;
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
    private static readonly (string Unit, string? Module)[] Units =
    [
        ("fs/proc/meminfo.c", null),
        ("fs/namei.c", null),
        ("kernel/fork.c", null),
        (ModuleUnit, Module),
    ];

    private const string ModuleUnit = "drivers/block/loop.c";
    private const string Module = "loop";

    public static TheoryData<string> Deviations =>
        [.. Deviation.All.Where((_, i) => FullRun.IsAsked || i % 3 == 0).Select(d => d.Name)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Deviations))]
    public async Task Every_unit_whose_code_is_not_the_kernels_is_refused_and_no_other(string deviation)
    {
        var checks = Units.Select(u => CheckAsync(u.Unit, u.Module, Deviation.All.Single(d => d.Name == deviation)));
        var found = await Task.WhenAll(checks);
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

    // In the middle of each function: where a field of a relocation lies, the loader writes over it.
    [Fact]
    public async Task A_module_of_which_one_byte_of_code_is_another_is_refused()
    {
        var record = await stock.RecordAsync();
        var content = Get(await new ModuleFiles(stock.Cache, record).ReadAsync(Module, Cancellation)).ToArray();
        var genuine = Get(ModuleTarget.Open(X8664Architecture.Instance, Module, ElfReader.Read(content)));
        var built = await CompileAsync(ModuleUnit, Deviation.None);
        Assert.Equal(PlacementProof.Bytes, Get(Check(genuine)).Proof);

        string[] functions = ["lo_open", "lo_ioctl", "loop_attr_do_show_sizelimit"];
        foreach (var function in functions)
        {
            var elf = ElfReader.Read(content);
            var loaded = genuine.FindLoaded(function, genuine.Symbols.Named(function).Single().Address)!;
            var (start, length) = loaded.Kept.MaxBy(r => r.Length);
            elf.FindSection(loaded.Section)!.Content[(int)loaded.Offset + start + (length / 2)] ^= 1;

            var problem = Assert.Single(Check(Get(ModuleTarget.Open(X8664Architecture.Instance, Module, elf))).Problems);
            Assert.Equal(ProblemKind.Mismatch, problem.Code.Kind);
            Assert.Equal([function], NamedBy(problem));
        }

        Outcome<UnitPlacement> Check(ModuleTarget target) =>
            FidelityCheck.Run(X8664Architecture.Instance, ModuleUnit, built, target, record.Facts.Compiler);
    }

    private async Task<PatchTarget> TargetAsync(string? module)
    {
        var record = await stock.RecordAsync();
        return module is null
            ? Get(RunningKernel.Load(record)).Vmlinux
            : Get(await new ModuleFiles(stock.Cache, record).OpenAsync([module], Cancellation)).Single();
    }

    // Gives whether the deviation changed the unit.
    private async Task<bool> CheckAsync(string unit, string? module, Deviation deviation)
    {
        var record = await stock.RecordAsync();
        var deviating = await CompileAsync(unit, deviation);
        var changed = ChangedSymbols.Between(await CompileAsync(unit, Deviation.None), deviating);
        var target = await TargetAsync(module);
        var outcome = FidelityCheck.Run(X8664Architecture.Instance, unit, deviating, target, record.Facts.Compiler);
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

    // "UNIT ... in the running kernel, or in the file of the module NAME: NAME (what), NAME (what); ..."; a table is "NAME in SECTION (what)", code without a name
    // ".SECTION+OFFSET (what)".
    private static HashSet<string> NamedBy(Problem problem) =>
        [
            .. problem
                .Reason.Split(": ", 2)[1]
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
