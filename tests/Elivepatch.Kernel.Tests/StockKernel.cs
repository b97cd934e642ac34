using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;
using Xunit;

[assembly: AssemblyFixture(typeof(Elivepatch.Kernel.Tests.StockKernel))]

namespace Elivepatch.Kernel.Tests;

/// <summary>The newest stock cloud kernel, imported once and prepared, for every test that needs a real one.</summary>
public sealed class StockKernel
{
    private readonly Lazy<Task<(KernelRecord Record, PreparedTree Tree)>> kernel;

    public StockKernel()
    {
        var outcome = CacheRoot.Open(
            Environment.GetEnvironmentVariable("ELIVEPATCH_TEST_CACHE")
                ?? CacheRoot.DefaultPath(Environment.GetEnvironmentVariable) + "-tests"
        );
        Cache = outcome.Value;
        kernel = new(ImportAsync);
    }

    public CacheRoot Cache { get; }

    public async Task<KernelRecord> RecordAsync() => (await kernel.Value).Record;

    public async Task<PreparedTree> TreeAsync() => (await kernel.Value).Tree;

    private async Task<(KernelRecord Record, PreparedTree Tree)> ImportAsync()
    {
        var import = new DebianImport(Cache, KernelBoot.ReadFactsAsync);
        var record = Get(await import.RunAsync(TestKernels.Stock, CancellationToken.None));
        return (record, Get(await new PreparedTrees(Cache).GetAsync(record, CancellationToken.None)));
    }

    public static T Get<T>(Outcome<T> outcome)
    {
        Assert.True(outcome.Succeeded, outcome.Succeeded ? "" : outcome.Problems[0].ToString());
        return outcome.Value;
    }
}
