using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.VirtualMachines;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.OlderKernel;

/// <summary>The long-term kernel of Debian 12: another series, without IBT, linked object by object.</summary>
public sealed class OlderStockKernelTests(StockKernel stock) : IDisposable
{
    private const string Series = "6.1";
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("older-kernel-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task A_stock_kernel_of_an_older_series_is_live_patched()
    {
        var import = new DebianImport(stock.Cache, KernelBoot.ReadFactsAsync);
        var record = Get(await import.RunAsync(TestKernels.Older, Cancellation));
        Assert.StartsWith(Series + ".", record.Facts.Release);
        Assert.False(record.ReadConfig().IsSet("X86_KERNEL_IBT"));

        var built = Get(
            await new LivepatchBuild(stock.Cache).RunAsync(
                new(record, [Data("vmalloc-caps.patch")], [], null, Replace: true, null),
                Cancellation
            )
        );
        Assert.Equal("bytes", Assert.Single(built.Explanation.Units).Proof);

        var module = Path.Combine(folder.FullName, $"{built.Name}.ko");
        await File.WriteAllBytesAsync(module, built.Module, Cancellation);
        var script = await File.ReadAllTextAsync(Data("vmalloc-caps.sh"), Cancellation);
        var reports = Get(
            await LivepatchTrial.RunAsync(
                new()
                {
                    Architecture = record.Facts.Architecture,
                    Kernel = record.BootImagePath!,
                    Cases =
                    [
                        new()
                        {
                            Name = "caps",
                            Modules = [module],
                            Script = script,
                        },
                    ],
                },
                Cancellation
            )
        );
        var report = Assert.Single(reports);
        Assert.True(
            report.Passed,
            string.Join('\n', [.. report.Problems.Select(p => p.ToString()), .. report.Phases.Select(p => p.Output)])
        );
    }

    private static string Data(string name) => Path.Combine(AppContext.BaseDirectory, "OlderKernel", name);
}
