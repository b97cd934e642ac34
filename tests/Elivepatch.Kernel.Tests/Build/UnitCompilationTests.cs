using System.Text;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Trees;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.Build;

public sealed class UnitCompilationTests(StockKernel stock)
{
    // The longer one is compiled first, so that an order that followed the compiler would show.
    private static readonly string[] Units = ["fs/proc/cmdline.c", "fs/proc/uptime.c"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Objects_come_in_the_order_of_the_commands_with_the_patch_and_without()
    {
        var tree = await stock.TreeAsync();
        await using var compilation = await StartAsync(
            tree,
            new()
            {
                ["fs/proc/uptime.c"] = await WithAsync(
                    tree,
                    "fs/proc/uptime.c",
                    "int added_by_patch;\nstatic int unused_by_patch;\n"
                ),
            }
        );
        var unpatched = Get(await compilation.CompileUnpatchedAsync());
        var patched = Get(await compilation.CompilePatchedAsync(unpatched));
        Assert.Equal(Units, unpatched.Select(u => u.Unit));
        Assert.Equal(Units, patched.Select(u => u.Unit));
        Assert.DoesNotContain(unpatched, u => u.AsBuilt.Symbols.Any(s => s.Name == "added_by_patch"));
        Assert.DoesNotContain(unpatched, u => u.Before.Symbols.Any(s => s.Name == "added_by_patch"));
        Assert.Equal([false, true], patched.Select(u => u.After.Symbols.Any(s => s.Name == "added_by_patch")));
        Assert.NotNull(unpatched[1].Before.FindSection(".text.uptime_proc_show"));
        Assert.Null(unpatched[1].AsBuilt.FindSection(".text.uptime_proc_show"));
        Assert.Contains("unused_by_patch", Assert.Single(patched[1].NewWarnings));
        Assert.Empty(patched[0].NewWarnings);
    }

    [Fact]
    public async Task A_patched_unit_that_does_not_compile_is_the_one_problem()
    {
        var tree = await stock.TreeAsync();
        await using var compilation = await StartAsync(
            tree,
            new() { ["fs/proc/uptime.c"] = Encoding.UTF8.GetBytes("int broken(\n") }
        );
        var problem = Assert.Single((await compilation.CompilePatchedAsync([])).Problems);
        Assert.Equal(CompileProblems.CompileFailed, problem.Code);
        Assert.Contains("fs/proc/uptime.c:1:", problem.Reason);
        Assert.Equal(problem, Assert.Single((await compilation.CompileUnpatchedAsync()).Problems));
    }

    [Fact]
    public async Task Leaving_ends_what_still_compiles()
    {
        var tree = await stock.TreeAsync();

        // A file that the compiler does not get to the end of within the test.
        var endless = "#define A(x) x x\n#define B(x) A(A(A(A(A(A(A(A(x))))))))\nint i[] = { B(B(B(B(0,)))) };\n";
        var started = DateTime.UtcNow;
        var compilation = await StartAsync(tree, new() { ["fs/proc/uptime.c"] = Encoding.UTF8.GetBytes(endless) });
        await compilation.DisposeAsync();
        Assert.InRange(DateTime.UtcNow - started, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }

    private async Task<UnitCompilation> StartAsync(PreparedTree tree, Dictionary<string, ReadOnlyMemory<byte>> patched)
    {
        var commands = Get(await new KbuildCommands(stock.Cache).ForUnitsAsync(tree, Units, Cancellation));
        return UnitCompilation.Start(new UnitCompiler(stock.Cache), tree, commands, new(patched), [], Cancellation);
    }

    private static async Task<ReadOnlyMemory<byte>> WithAsync(PreparedTree tree, string path, string more) =>
        Encoding.UTF8.GetBytes(await File.ReadAllTextAsync(Path.Combine(tree.Folder, path), Cancellation) + more);
}
