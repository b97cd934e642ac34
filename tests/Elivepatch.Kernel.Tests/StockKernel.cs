using Elivepatch.Engine;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Kernel.VirtualMachines;
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
            ?? CacheRoot.DefaultPath(Environment.GetEnvironmentVariable) + "-tests");
        Cache = outcome.Value;
        kernel = new(ImportAsync);
    }

    public CacheRoot Cache { get; }

    public async Task<KernelRecord> RecordAsync() => (await kernel.Value).Record;

    public async Task<PreparedTree> TreeAsync() => (await kernel.Value).Tree;

    private async Task<(KernelRecord Record, PreparedTree Tree)> ImportAsync()
    {
        var import = new DebianImport(Cache, BootAsync);
        var record = Get(await import.RunAsync(DebianImport.NewestCloud, CancellationToken.None));
        return (record, Get(await new PreparedTrees(Cache).GetAsync(record, CancellationToken.None)));
    }

    // These tests look at everything but symbols: the image says who it is, and nothing is booted.
    private static async Task<Outcome<BootFacts>> BootAsync(string image, CancellationToken cancellation)
    {
        var opened = await BootImage.OpenAsync(await File.ReadAllBytesAsync(image, cancellation), cancellation);
        return opened.Then<BootFacts>(i => new BootFacts(
            i.KernelVersion.Split(' ')[0], i.KernelVersion, i.BuildId.Hex, "ffffffff81000000 T _stext\n"u8.ToArray(), default, default));
    }

    public static T Get<T>(Outcome<T> outcome)
    {
        Assert.True(outcome.Succeeded, outcome.Succeeded ? "" : outcome.Problems[0].ToString());
        return outcome.Value;
    }
}
