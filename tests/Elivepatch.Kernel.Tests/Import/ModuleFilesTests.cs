using Elivepatch.Kernel.Import;
using Xunit;

namespace Elivepatch.Kernel.Tests.Import;

/// <summary>Modules of the stock kernel, from its package and from a record of its own.</summary>
public sealed class ModuleFilesTests(StockKernel stock)
{
    [Fact]
    public async Task The_package_has_the_modules_of_its_kernel_under_the_names_that_the_kernel_gives_them()
    {
        var files = new ModuleFiles(stock.Cache, await stock.RecordAsync());
        var opened = StockKernel.Get(await files.OpenAsync(["nf_tables", "dm_mod"], Cancellation));
        Assert.Equal(["dm_mod", "nf_tables"], opened.Select(m => m.ObjectName));
        Assert.All(opened, m => Assert.Equal(40, m.BuildId!.Length));
        Assert.True(opened[1].Needs("nfnetlink"));
        Assert.False(opened[1].Needs("dm_mod"));
    }

    [Fact]
    public async Task A_module_that_the_kernel_does_not_have_is_named()
    {
        var files = new ModuleFiles(stock.Cache, await stock.RecordAsync());
        var problem = Assert.Single((await files.OpenAsync(["no_such_module"], Cancellation)).Problems);
        Assert.Equal(RecordProblems.ModuleMissing, problem.Code);
        Assert.Contains("no_such_module", problem.Reason, StringComparison.Ordinal);
    }

    // Built out of tree, or of another version, under the same name.
    [Fact]
    public async Task A_file_that_is_not_the_module_that_was_loaded_is_refused()
    {
        var record = await stock.RecordAsync();
        var loaded = record.Facts with { Modules = [new("dummy", new string('0', 40), 4096)] };
        var files = new ModuleFiles(stock.Cache, record with { Facts = loaded });
        var problem = Assert.Single((await files.OpenAsync(["dummy"], Cancellation)).Problems);
        Assert.Equal(RecordProblems.ModuleContradicts, problem.Code);
        Assert.True((await files.OpenAsync(["loop"], Cancellation)).Succeeded);
    }

    [Fact]
    public async Task A_file_of_another_kernel_or_of_another_name_is_refused()
    {
        var record = await stock.RecordAsync();
        var content = StockKernel.Get(await new ModuleFiles(stock.Cache, record).ReadAsync("dummy", Cancellation));
        var identity = new ModuleIdentity(record.Facts.Architecture.Engine, record.Facts.Release, []);
        Assert.Equal("dummy", StockKernel.Get(identity.Open("dummy.ko", null, content)).ObjectName);
        Assert.Equal(RecordProblems.ModuleUnreadable, Assert.Single(identity.Open("dummy.ko", "loop", content).Problems).Code);
        var other = new ModuleIdentity(record.Facts.Architecture.Engine, "6.12.1-other", []);
        Assert.Equal(RecordProblems.ModuleContradicts, Assert.Single(other.Open("dummy.ko", null, content).Problems).Code);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;
}
