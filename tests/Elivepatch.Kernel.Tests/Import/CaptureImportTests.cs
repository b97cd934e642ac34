using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Trees;
using Elivepatch.Protocol.Captures;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.Import;

public sealed class CaptureImportTests(StockKernel stock)
{
    // It prepares a second tree, which takes as long as all the other tests together.
    [Fact(Explicit = true)]
    public async Task A_captured_kernel_is_imported_with_its_base_patch()
    {
        using var home = new TemporaryCache();
        var cancellation = TestContext.Current.CancellationToken;
        var record = await stock.RecordAsync();
        var capture = new CaptureFile(
            new CaptureFacts
            {
                Release = record.Facts.Release,
                BuildId = record.Facts.BuildId,
                Compiler = record.Facts.Compiler,
                Machine = "x86_64",
                KernelVersionText = "",
            },
            await File.ReadAllBytesAsync(record.ConfigPath, cancellation),
            await File.ReadAllBytesAsync(record.KallsymsPath, cancellation),
            null,
            null
        );
        var capturePath = Path.Combine(home.FullPath, "capture.tar.gz");
        await using (var stream = File.Create(capturePath))
        {
            capture.Write(stream);
        }

        var patch = Path.Combine(home.FullPath, "base.patch");
        await File.WriteAllTextAsync(patch, "--- /dev/null\n+++ b/kernel/added.c\n@@ -0,0 +1 @@\n+int added;\n", cancellation);
        var source = Get(new SourceArchives(stock.Cache).Find(record.SourceKey)).FilePath;
        var imported = Get(await new CaptureImport(home.Cache).RunAsync(capturePath, source, [patch], cancellation));
        Assert.Equal(record.Facts.BuildId, Get(new KernelStore(home.Cache).Open(record.Facts.Release)).Facts.BuildId);
        Assert.Equal(record.Facts.Layouts.EntrySizes, imported.Facts.Layouts.EntrySizes);
        var tree = Get(await new PreparedTrees(home.Cache).GetAsync(imported, cancellation));
        Assert.True(tree.HasFile("kernel/added.c"));
    }
}
