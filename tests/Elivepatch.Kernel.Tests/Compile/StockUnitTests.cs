using Elivepatch.Kernel.Compile;
using Elivepatch.Model;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.Compile;

public sealed class StockUnitTests(StockKernel stock)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Kbuild_says_how_units_are_compiled()
    {
        var tree = await stock.TreeAsync();
        var commands = Get(
            await new KbuildCommands(stock.Cache).ForUnitsAsync(
                tree,
                ["fs/proc/meminfo.c", "kernel/sched/core.c", "fs/nfs/dir.c"],
                Cancellation
            )
        );
        Assert.Equal(["fs/proc/meminfo.c", "kernel/sched/core.c", "fs/nfs/dir.c"], commands.Select(c => c.Unit));
        Assert.Equal([false, false, true], commands.Select(c => c.IsModule));
        Assert.Equal(("proc", "fs/proc/proc"), (commands[0].ModName, commands[0].ModFile));
        Assert.Equal("fs/proc/meminfo.o", commands[0].ObjectPath);
        Assert.Equal(tree.Compiler.Name, commands[0].Arguments[0]);
        // An option that kbuild only takes after trying it.
        Assert.Contains("-fconserve-stack", commands[0].Arguments);
        Assert.DoesNotContain(commands[0].Arguments, a => a.StartsWith("-Wp,", StringComparison.Ordinal) || a is "-c" or "-o");
    }

    [Fact]
    public async Task A_unit_that_the_configuration_leaves_out_is_refused_by_name()
    {
        var tree = await stock.TreeAsync();
        var outcome = await new KbuildCommands(stock.Cache).ForUnitsAsync(
            tree,
            ["drivers/net/hamradio/scc.c", "fs/proc/nothing.c", "kernel/fork.c"],
            Cancellation
        );
        Assert.Equal(
            [
                "the configuration of " + tree.Release + " does not build drivers/net/hamradio/scc.c",
                "the kernel's source has no fs/proc/nothing.c",
            ],
            outcome.Problems.Select(p => p.Reason)
        );
        Assert.All(outcome.Problems, p => Assert.Equal(CompileProblems.UnitNotBuilt, p.Code));
    }

    [Fact]
    public async Task A_file_that_other_units_include_is_no_unit()
    {
        var tree = await stock.TreeAsync();
        string[] files =
        [
            "kernel/sched/rt.c",
            "kernel/sched/build_policy.c",
            "lib/string.c",
            "arch/x86/lib/delay.c",
            "arch/x86/kernel/head64.c",
        ];
        var commands = Get(await new KbuildCommands(stock.Cache).ForBuiltUnitsAsync(tree, files, Cancellation));
        Assert.Equal(files.Skip(1), commands.Select(c => c.Unit));
    }

    [Theory]
    [InlineData("lib/oid_registry.c", "lib/oid_registry_data.c")]
    [InlineData("lib/crc32.c", "lib/crc32table.h")]
    [InlineData("security/selinux/netnode.c", "security/selinux/flask.h")]
    [InlineData("security/selinux/ss/mls.c", "security/selinux/flask.h")]
    [InlineData("security/apparmor/capability.c", "security/apparmor/capability_names.h")]
    public async Task What_the_build_makes_for_a_unit_is_made(string unit, string made)
    {
        var tree = await stock.TreeAsync();
        Assert.False(tree.HasFile(made));
        var overlay = await EditedAsync(unit, t => t + "int more_text;\n");

        Assert.DoesNotContain("more_text", Text(await CompileAsync(unit, SourceOverlay.None, CompileVariant.AsBuilt)));
        Assert.Contains("more_text", Text(await CompileAsync(unit, overlay, CompileVariant.After)));

        Assert.False(tree.HasFile(made));
    }

    [Fact]
    public async Task What_a_patch_includes_and_nobody_makes_is_the_patchs_fault()
    {
        const string unit = "lib/oid_registry.c";
        var overlay = await EditedAsync(unit, t => "#include \"by-the-patch.h\"\n" + t);

        var problem = Assert.Single((await OutcomeAsync(unit, overlay, CompileVariant.After)).Problems);

        Assert.Equal(CompileProblems.CompileFailed, problem.Code);
        Assert.Contains("by-the-patch.h", problem.Reason);
    }

    [Fact]
    public async Task A_header_with_an_error_is_the_patchs_fault_where_the_build_makes_files_too()
    {
        var overlay = await EditedAsync("security/selinux/include/netnode.h", t => t + "#error \"broken\"\n");

        var problem = Assert.Single((await OutcomeAsync("security/selinux/netnode.c", overlay, CompileVariant.After)).Problems);

        Assert.Equal(CompileProblems.CompileFailed, problem.Code);
        Assert.Contains("netnode.h", problem.Reason);
    }

    [Theory]
    [InlineData(
        "lib/oid_registry.c",
        "include/linux/oid_registry.h",
        "\tOID__NR",
        "\tOID_added,\t/* 1.2.3.4.5 */\n\tOID__NR",
        "lib/oid_registry_data.c"
    )]
    [InlineData(
        "security/apparmor/capability.c",
        "include/uapi/linux/capability.h",
        "#define CAP_CHOWN ",
        "#define CAP_SHOWN 0\n#define CAP_CHOWN ",
        "security/apparmor/capability_names.h"
    )]
    public async Task A_patch_that_changes_what_the_build_makes_is_refused(
        string unit,
        string path,
        string text,
        string instead,
        string made
    )
    {
        var overlay = await EditedAsync(path, t => t.Replace(text, instead, StringComparison.Ordinal));

        var problem = Assert.Single((await OutcomeAsync(unit, overlay, CompileVariant.After)).Problems);

        Assert.Equal(PatchProblems.PatchChangesBuild, problem.Code);
        Assert.Equal($"the build makes {made} from what the patch changes, and {unit} includes it", problem.Reason);
    }

    [Fact]
    public async Task A_patch_may_bring_a_header_of_its_own_where_the_build_makes_others()
    {
        const string unit = "security/selinux/netnode.c";
        var edited = await EditedAsync(unit, t => "#include \"added.h\"\n" + t);
        var overlay = new SourceOverlay(
            new Dictionary<string, ReadOnlyMemory<byte>>(edited.Files)
            {
                ["security/selinux/added.h"] = Bytes("int more_text;\n"),
            }
        );

        Assert.Contains("more_text", Text(await CompileAsync(unit, overlay, CompileVariant.After)));
    }

    [Fact]
    public async Task A_patched_program_of_the_build_leaves_nothing_behind_that_is_opened()
    {
        // lib/gen_crc32table, which the build runs, includes it.
        var overlay = await EditedAsync(
            "lib/crc32defs.h",
            t =>
                t
                + """

                    #ifndef __KERNEL__
                    #include <sys/stat.h>
                    #include <unistd.h>
                    __attribute__((constructor)) static void leave(void) { mkfifo("lib/pipe.h", 0600); symlink("/etc/passwd", "lib/link.h"); }
                    #endif

                    """
        );

        Assert.True((await OutcomeAsync("lib/crc32.c", overlay, CompileVariant.After)).Succeeded);
    }

    [Fact]
    public async Task A_patch_that_brings_what_the_build_makes_is_refused()
    {
        const string path = "security/selinux/flask.h";
        var overlay = new SourceOverlay(
            new Dictionary<string, ReadOnlyMemory<byte>> { [path] = Bytes("#define SECCLASS_NODE 7\n") }
        );

        var problem = Assert.Single((await OutcomeAsync("security/selinux/netnode.c", overlay, CompileVariant.After)).Problems);

        Assert.Equal(PatchProblems.PatchChangesBuild, problem.Code);
        Assert.Contains(path, problem.Reason);
    }

    [Fact]
    public async Task A_patch_of_a_header_leaves_what_the_build_makes_as_it_is()
    {
        var overlay = await EditedAsync("include/linux/oid_registry.h", t => t + "int more_text;\n");
        Assert.Contains("more_text", Text(await CompileAsync("lib/oid_registry.c", overlay, CompileVariant.After)));
    }

    [Fact]
    public async Task The_as_built_object_has_no_sections_of_its_own_for_functions()
    {
        var tree = await stock.TreeAsync();
        var built = await CompileAsync("fs/proc/meminfo.c", SourceOverlay.None, CompileVariant.AsBuilt);
        var before = await CompileAsync("fs/proc/meminfo.c", SourceOverlay.None, CompileVariant.Before);
        Assert.DoesNotContain(".text.meminfo_proc_show", Text(built));
        Assert.Contains(".text.meminfo_proc_show", Text(before));
        var cached = await CompileAsync("fs/proc/meminfo.c", SourceOverlay.None, CompileVariant.AsBuilt);
        Assert.Equal(TimeSpan.Zero, cached.CompilerTime);
    }

    [Fact]
    public async Task An_overlay_replaces_a_file_and_adds_another()
    {
        var tree = await stock.TreeAsync();
        var source = await File.ReadAllTextAsync(Path.Combine(tree.Folder, "fs/proc/meminfo.c"), Cancellation);
        var overlay = new SourceOverlay(
            new Dictionary<string, ReadOnlyMemory<byte>>
            {
                ["fs/proc/meminfo.c"] = Bytes("#include \"added.h\"\n#include \"new/folder/more.h\"\n" + source),
                ["fs/proc/added.h"] = Bytes("static const char added_text[] __attribute__((used)) = \"added file\";\n"),
                ["fs/proc/new/folder/more.h"] = Bytes("static const char more_text[] __attribute__((used)) = \"more file\";\n"),
            }
        );
        var after = await CompileAsync("fs/proc/meminfo.c", overlay, CompileVariant.After);
        Assert.Contains("added file", Text(after));
        Assert.Contains("more file", Text(after));
        Assert.False(File.Exists(Path.Combine(tree.Folder, "fs/proc/added.h")));
    }

    [Fact]
    public async Task A_unit_that_does_not_compile_gives_the_compilers_own_words()
    {
        var tree = await stock.TreeAsync();
        var command = Get(await new KbuildCommands(stock.Cache).ForUnitsAsync(tree, ["fs/proc/meminfo.c"], Cancellation))[0];
        var overlay = new SourceOverlay(
            new Dictionary<string, ReadOnlyMemory<byte>> { ["fs/proc/meminfo.c"] = Bytes("int broken(\n") }
        );
        var outcome = await new UnitCompiler(stock.Cache).CompileAsync(
            tree,
            command,
            overlay,
            CompileVariant.After,
            Cancellation
        );
        Assert.Equal(CompileProblems.CompileFailed, outcome.Problems[0].Code);
        Assert.Contains("fs/proc/meminfo.c:1:", outcome.Problems[0].Reason);
    }

    [Fact]
    public async Task The_compiler_sees_no_file_of_the_host()
    {
        var tree = await stock.TreeAsync();
        var command = Get(await new KbuildCommands(stock.Cache).ForUnitsAsync(tree, ["fs/proc/meminfo.c"], Cancellation))[0];
        var overlay = new SourceOverlay(
            new Dictionary<string, ReadOnlyMemory<byte>> { ["fs/proc/meminfo.c"] = Bytes("#include \"/etc/hostname\"\n") }
        );
        var outcome = await new UnitCompiler(stock.Cache).CompileAsync(
            tree,
            command,
            overlay,
            CompileVariant.After,
            Cancellation
        );
        Assert.Contains("No such file or directory", outcome.Problems[0].Reason);
    }

    [Fact]
    public async Task Entry_layouts_come_from_the_kernels_own_headers()
    {
        var layouts = (await stock.RecordAsync()).Facts.Layouts;
        Assert.Equal(12, layouts.SizeOf("__bug_table"));
        Assert.Equal(12, layouts.SizeOf("__ex_table"));
        Assert.Equal(16, layouts.SizeOf("__jump_table"));
        Assert.Equal(8, layouts.SizeOf(".static_call_sites"));
        Assert.Equal(14, layouts.SizeOf(".altinstructions"));
        Assert.Null(layouts.SizeOf(".parainstructions"));
        Assert.Equal(8, layouts.OffsetOf("bug_entry.line"));
        Assert.Equal(13, layouts.OffsetOf("alt_instr.replacementlen"));
        Assert.True(layouts.StructureSizes["module"] > 512);
        Assert.Equal(24, layouts.OffsetOf("module.name"));
    }

    private async Task<CompiledUnit> CompileAsync(string unit, SourceOverlay overlay, CompileVariant variant) =>
        Get(await OutcomeAsync(unit, overlay, variant));

    private async Task<Outcome<CompiledUnit>> OutcomeAsync(string unit, SourceOverlay overlay, CompileVariant variant)
    {
        var tree = await stock.TreeAsync();
        var command = Get(await new KbuildCommands(stock.Cache).ForUnitsAsync(tree, [unit], Cancellation))[0];
        return await new UnitCompiler(stock.Cache).CompileAsync(tree, command, overlay, variant, Cancellation);
    }

    private async Task<SourceOverlay> EditedAsync(string path, Func<string, string> edit)
    {
        var before = await File.ReadAllTextAsync(Path.Combine((await stock.TreeAsync()).Folder, path), Cancellation);
        var after = edit(before);
        Assert.NotEqual(before, after);
        return new(new Dictionary<string, ReadOnlyMemory<byte>> { [path] = Bytes(after) });
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static string Text(CompiledUnit unit) => System.Text.Encoding.Latin1.GetString(unit.Object.Span);
}
