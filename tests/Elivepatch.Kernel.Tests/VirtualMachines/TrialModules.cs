using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Trees;
using Xunit;

namespace Elivepatch.Kernel.Tests.VirtualMachines;

/// <summary>Livepatch modules written by hand, built once against the stock kernel, and a static program.</summary>
public sealed class TrialModules(StockKernel stock) : IAsyncLifetime
{
    private const string Glue = """

        static struct klp_func funcs[] = { { .old_name = TARGET, .new_func = replacement, }, { } };
        static struct klp_object objs[] = { { .funcs = funcs, }, { } };
        static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs, .replace = true };
        static int start(void) { KEEP return klp_enable_patch(&patch); }
        static void stop(void) { }
        module_init(start);
        module_exit(stop);
        MODULE_LICENSE("GPL");
        MODULE_INFO(livepatch, "Y");
        """;

    private static readonly Dictionary<string, (string Target, string Replacement)> Sources = new()
    {
        ["says_one"] = (
            "cmdline_proc_show",
            """static int replacement(struct seq_file *m, void *v) { seq_puts(m, "one\n"); return 0; }"""
        ),
        ["says_two"] = (
            "cmdline_proc_show",
            """static int replacement(struct seq_file *m, void *v) { seq_puts(m, "two\n"); return 0; }"""
        ),
        ["warns"] = (
            "cmdline_proc_show",
            """static int replacement(struct seq_file *m, void *v) { WARN(1, "told so"); return 0; }"""
        ),
        ["oopses"] = (
            "cmdline_proc_show",
            "static int replacement(struct seq_file *m, void *v) { *(volatile int *)8 = 1; return 0; }"
        ),
        ["keeps_itself"] = (
            "cmdline_proc_show",
            """
            static int replacement(struct seq_file *m, void *v) { seq_puts(m, "one\n"); return 0; }
            #undef KEEP
            #define KEEP __module_get(THIS_MODULE);
            """
        ),
        ["dangles"] = (
            "cmdline_proc_show",
            """
            #include <linux/ioport.h>
            static int replacement(struct seq_file *m, void *v) { iomem_resource.child->name = "of the module"; return 0; }
            """
        ),
        ["patches_nothing"] = ("there_is_no_such_function", "static int replacement(void) { return 0; }"),
        ["patches_pause"] = ("__x64_sys_pause", "static long replacement(const void *registers) { return -EINTR; }"),
    };

    private DirectoryInfo? folder;

    /// <summary>The path of a built module.</summary>
    public string this[string name] => Path.Combine(folder!.FullName, name + ".ko");

    /// <summary>A static program that only ever calls <c>pause</c>.</summary>
    public byte[] Sleeper => File.ReadAllBytes(Path.Combine(folder!.FullName, "sleeper"));

    public async ValueTask InitializeAsync()
    {
        var tree = await stock.TreeAsync();
        folder = Directory.CreateTempSubdirectory("trial-modules-");
        await WriteAsync("Makefile", "obj-m := " + string.Join(' ', Sources.Keys.Select(n => n + ".o")) + "\n");
        foreach (var (name, (target, replacement)) in Sources)
        {
            await WriteAsync(
                name + ".c",
                $"#include <linux/module.h>\n#include <linux/livepatch.h>\n#include <linux/seq_file.h>\n#define TARGET \"{target}\"\n#define KEEP\n{replacement}{Glue}\n"
            );
        }

        await WriteAsync("sleeper.c", "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n");
        await RunAsync(tree, "gcc", "-static", "-O2", "-o", "sleeper", "sleeper.c");
        File.Copy((await stock.RecordAsync()).SymversPath!, Path.Combine(folder.FullName, "kernel.symvers"));
        await RunAsync(
            tree,
            "make",
            [
                "-C",
                PreparedTree.InsidePath,
                "M=/module",
                "KBUILD_EXTRA_SYMBOLS=/module/kernel.symvers",
                .. tree.MakeVariables,
                "modules",
            ]
        );
    }

    public ValueTask DisposeAsync()
    {
        folder?.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    private Task WriteAsync(string name, string text) => File.WriteAllTextAsync(Path.Combine(folder!.FullName, name), text);

    private async Task RunAsync(PreparedTree tree, string program, params string[] arguments)
    {
        var result = await Sandbox.RunAsync(
            new()
            {
                File = program,
                Arguments = arguments,
                WorkingDirectory = "/module",
                Environment = tree.Environment,
                Binds = [.. tree.Binds, new(folder!.FullName, "/module", Writable: true)],
            },
            CancellationToken.None
        );
        var done = StockKernel.Get(result);
        Assert.True(done.Succeeded, done.Describe());
    }
}
