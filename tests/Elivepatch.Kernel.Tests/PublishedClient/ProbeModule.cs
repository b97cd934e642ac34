using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Trees;
using Xunit;

namespace Elivepatch.Kernel.Tests.PublishedClient;

/// <summary>A module that sets a kprobe which no livepatch gets past: one with a post handler.</summary>
internal static class ProbeModule
{
    private const string Source = """
        #include <linux/module.h>
        #include <linux/kprobes.h>
        static void after(struct kprobe *p, struct pt_regs *regs, unsigned long flags) { }
        static struct kprobe probe = { .symbol_name = FUNCTION, .post_handler = after };
        static int start(void) { return register_kprobe(&probe); }
        static void stop(void) { unregister_kprobe(&probe); }
        module_init(start);
        module_exit(stop);
        MODULE_LICENSE("GPL");
        """;

    /// <summary>Builds it for the stock kernel.</summary>
    public static async Task<byte[]> BuildAsync(StockKernel stock, string function, CancellationToken cancellation)
    {
        var tree = await stock.TreeAsync();
        var folder = Directory.CreateTempSubdirectory("probe-module-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "Makefile"), "obj-m := probe.o\n", cancellation);
            await File.WriteAllTextAsync(
                Path.Combine(folder.FullName, "probe.c"),
                $"#define FUNCTION \"{function}\"\n{Source}\n",
                cancellation
            );
            File.Copy((await stock.RecordAsync()).SymversPath!, Path.Combine(folder.FullName, "kernel.symvers"));
            var made = StockKernel.Get(
                await Sandbox.RunAsync(
                    new()
                    {
                        File = "make",
                        Arguments =
                        [
                            "-C",
                            PreparedTree.InsidePath,
                            "M=/module",
                            "KBUILD_EXTRA_SYMBOLS=/module/kernel.symvers",
                            .. tree.MakeVariables,
                            "modules",
                        ],
                        WorkingDirectory = "/module",
                        Environment = tree.Environment,
                        Binds = [.. tree.Binds, new(folder.FullName, "/module", Writable: true)],
                    },
                    cancellation
                )
            );
            Assert.True(made.Succeeded, made.Describe());
            return await File.ReadAllBytesAsync(Path.Combine(folder.FullName, "probe.ko"), cancellation);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
