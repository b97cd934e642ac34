using System.Collections.Concurrent;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Compile;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>
/// The cheapest and strongest test of the comparison: an object has no difference from itself, whatever the kernel's compiler and
/// the kernel's own assembly put into it.
/// </summary>
[Collection(nameof(CaseCollection))]
public sealed class SameObjectTests(StockKernel stock)
{
    private static readonly int FewestObjects = FullRun.IsAsked ? 300 : 100;
    private static readonly int FewestPlaced = FullRun.IsAsked ? 60 : 30;

    // Some units need a header that only a whole build makes, such as lib/crc64.c; others take their place.
    private const int Spare = 30;

    // The smallest sources of these, as most of their time goes into reading headers.
    private static readonly string[] folders =
    [
        "lib",
        "lib/crypto",
        "kernel",
        "kernel/time",
        "kernel/irq",
        "kernel/locking",
        "kernel/bpf",
        "kernel/trace",
        "mm",
        "fs",
        "fs/proc",
        "block",
        "ipc",
        "net/core",
        "crypto",
        "drivers/base",
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Objects_of_the_kernel_have_no_difference_from_themselves()
    {
        var commands = await SmallUnitsAsync();
        var layouts = (await stock.RecordAsync()).Facts.Layouts;

        var compared = 0;

        var failures = await EachAsync(
            commands,
            async command =>
            {
                if (await CompileAsync(command, CompileVariant.Before) is not { } file)
                {
                    return [];
                }

                Interlocked.Increment(ref compared);
                return Differences(command.Unit, file, layouts);
            }
        );

        Assert.Empty(failures);
        Assert.InRange(compared, FewestObjects, commands.Count);
    }

    [Fact]
    public async Task Objects_of_the_kernel_are_found_in_it()
    {
        var commands = (await SmallUnitsAsync()).Take(FewestPlaced + Spare).ToList();
        var placedCount = 0;
        var record = await stock.RecordAsync();
        var kernel = Get(RunningKernel.Load(record));

        var failures = await EachAsync(
            commands,
            async command =>
            {
                if (
                    await CompileAsync(command, CompileVariant.AsBuilt) is not { } built
                    || await CompileAsync(command, CompileVariant.Before) is not { } cut
                )
                {
                    return [];
                }

                var (asBuilt, before) = (ElfReader.Read(built), ElfReader.Read(cut));
                Interlocked.Increment(ref placedCount);
                var placed = BeforeMatchesAsBuilt
                    .Run(X8664Architecture.Instance, VmlinuxTarget.LinkRules, command.Unit, asBuilt, before)
                    .Then(_ =>
                        FidelityCheck.Run(
                            X8664Architecture.Instance,
                            command.Unit,
                            asBuilt,
                            kernel.Vmlinux,
                            record.Facts.Compiler
                        )
                    );
                return placed.Problems.Select(p => p.ToString());
            }
        );

        Assert.Empty(failures);
        Assert.InRange(placedCount, FewestPlaced, commands.Count);
    }

    private async Task<IReadOnlyList<CompileCommand>> SmallUnitsAsync()
    {
        var tree = await stock.TreeAsync();
        var sources = folders
            .SelectMany(f => Directory.EnumerateFiles(Path.Combine(tree.Folder, f), "*.c"))
            .OrderBy(f => new FileInfo(f).Length)
            .Select(f => Path.GetRelativePath(tree.Folder, f))
            .ToList();
        var built = Get(await new KbuildCommands(stock.Cache).ForBuiltUnitsAsync(tree, sources, Cancellation));
        return built.Where(c => !c.IsModule).Take(FewestObjects + Spare).ToList();
    }

    private async Task<byte[]?> CompileAsync(CompileCommand command, CompileVariant variant)
    {
        var outcome = await new UnitCompiler(stock.Cache).CompileAsync(
            await stock.TreeAsync(),
            command,
            SourceOverlay.None,
            variant,
            Cancellation
        );
        return outcome.TryGet(out var compiled) ? compiled.Object.ToArray() : null;
    }

    // Read twice, so that nothing is equal for being the same in memory.
    private static IEnumerable<string> Differences(string unit, byte[] file, EntryLayouts layouts)
    {
        var before = UnitObject.Read(X8664Architecture.Instance, unit, ElfReader.Read([.. file]), layouts);
        var after = UnitObject.Read(X8664Architecture.Instance, unit, ElfReader.Read([.. file]), layouts);
        if (before.Problems.Count > 0)
        {
            return before.Problems.Select(p => p.ToString());
        }

        var diff = DetectChanges.Run(Correlate.Run(before.Value, after.Value));
        return
        [
            .. diff.Problems.Select(p => p.ToString()),
            .. diff.Changed.Select(c => $"{unit}: {c.After.Name} {c.Difference}"),
            .. diff.NewFunctions.Select(c => $"{unit}: {c.After.Name} is new"),
            .. diff.RemovedFunctions.Concat(diff.NewVariables).Select(p => $"{unit}: {p.Name} has no twin"),
        ];
    }

    private static async Task<IReadOnlyList<string>> EachAsync(
        IReadOnlyList<CompileCommand> commands,
        Func<CompileCommand, Task<IEnumerable<string>>> check
    )
    {
        var failures = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(
            commands,
            Cancellation,
            async (command, _) =>
            {
                foreach (var failure in await check(command))
                {
                    failures.Add(failure);
                }
            }
        );
        return [.. failures.Order(StringComparer.Ordinal)];
    }
}
