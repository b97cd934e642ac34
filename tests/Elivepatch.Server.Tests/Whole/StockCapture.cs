using System.Text;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Protocol.Captures;
using static Elivepatch.Server.Tests.Builds.Workbench;

namespace Elivepatch.Server.Tests.Whole;

/// <summary>The stock kernel of the cache that all test runs share, as its machine would send it.</summary>
internal static class StockCapture
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The cache, in which the kernel is imported once.</summary>
    public static CacheRoot TestCache() =>
        Get(
            CacheRoot.Open(
                Environment.GetEnvironmentVariable("ELIVEPATCH_TEST_CACHE")
                    ?? CacheRoot.DefaultPath(Environment.GetEnvironmentVariable) + "-tests"
            )
        );

    /// <summary>The capture of an imported kernel; a remark in its configuration makes it a kernel of its own.</summary>
    public static async Task<byte[]> OfAsync(KernelRecord record, string remark = "")
    {
        using var capture = new MemoryStream();
        new CaptureFile(
            new()
            {
                Release = record.Facts.Release,
                BuildId = record.Facts.BuildId,
                Compiler = record.Facts.Compiler,
                Machine = record.Facts.Machine,
                KernelVersionText = record.Facts.KernelVersionText,
            },
            Encoding.UTF8.GetBytes(await File.ReadAllTextAsync(record.ConfigPath, Cancellation) + remark),
            await File.ReadAllBytesAsync(record.KallsymsPath, Cancellation),
            await File.ReadAllBytesAsync(record.SymversPath!, Cancellation),
            null
        ).Write(capture);
        return capture.ToArray();
    }
}
