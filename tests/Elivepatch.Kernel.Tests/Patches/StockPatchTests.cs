using System.Text;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Patches;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.Patches;

public sealed class StockPatchTests(StockKernel stock)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_changed_c_file_touches_its_unit()
    {
        var units = Get(
            await TouchedAsync("fs/proc/meminfo.c", t => t.Replace("VmallocChunk", "VMALLOCCHUNK", StringComparison.Ordinal))
        );
        Assert.Equal(["fs/proc/meminfo.c"], units.Select(u => u.Command.Unit));
    }

    [Fact]
    public async Task A_c_file_that_another_includes_touches_that()
    {
        var units = Get(
            await TouchedAsync(
                "kernel/sched/rt.c",
                t =>
                    t.Replace("int sched_rr_timeslice", "int  sched_rr_timeslice", StringComparison.Ordinal)
                    + "static int added;\n"
            )
        );
        Assert.Equal(["kernel/sched/build_policy.c"], units.Select(u => u.Command.Unit));
    }

    [Fact]
    public async Task A_changed_header_touches_the_units_whose_text_changes()
    {
        var units = Get(
            await TouchedAsync(
                "fs/proc/internal.h",
                t => t.Replace("struct proc_dir_entry {", "struct proc_dir_entry {\n\tint added;", StringComparison.Ordinal)
            )
        );
        Assert.Contains("fs/proc/generic.c", units.Select(u => u.Command.Unit));
        Assert.All(units, u => Assert.Equal(["fs/proc/internal.h"], u.Because));
    }

    [Fact]
    public async Task A_comment_in_a_header_touches_nothing()
    {
        var outcome = await TouchedAsync("fs/proc/internal.h", t => "/* a comment\n * of two lines */\n" + t);
        Assert.Equal(PatchProblems.NothingChanged, outcome.Problems[0].Code);
    }

    [Fact]
    public async Task A_header_of_everything_is_refused()
    {
        var outcome = await TouchedAsync("include/linux/kernel.h", t => t + "\nstruct added;\n");
        Assert.Equal(PatchProblems.TooManyUnits, outcome.Problems[0].Code);
    }

    [Theory]
    [InlineData(
        "arch/x86/entry/calling.h",
        ".macro PUSH_REGS",
        "\tnop\n.macro PUSH_REGS",
        108,
        "arch/x86/entry/calling.h changes arch/x86/entry/entry_64.S"
    )]
    [InlineData(
        "include/asm-generic/vmlinux.lds.h",
        "*(.data..shared_aligned)",
        "*(.data..shared)",
        108,
        "changes arch/x86/kernel/vmlinux.lds.S"
    )]
    [InlineData("include/vdso/helpers.h", "return seq;", "return seq + 2;", 109, "changes arch/x86/entry/vdso/vclock_gettime.c")]
    [InlineData("arch/x86/kernel/asm-offsets.c", "BLANK();", "BLANK(); BLANK();", 107, "arch/x86/kernel/asm-offsets.c")]
    [InlineData("lib/gen_crc32table.c", "int main", "int  main", 107, "lib/gen_crc32table.c")]
    [InlineData(
        "security/selinux/include/classmap.h",
        "\"relabelto\"",
        "\"labelto\"",
        107,
        "changes scripts/selinux/genheaders/genheaders"
    )]
    [InlineData(
        "include/linux/asn1_ber_bytecode.h",
        "ASN1_OP_MATCH_OR_SKIP\t\t= 0x01",
        "ASN1_OP_MATCH_OR_SKIP\t\t= 0x41",
        107,
        "parsers of ASN.1"
    )]
    [InlineData(
        "arch/x86/include/asm/cpufeatures.h",
        "#define X86_BUG_F00F",
        "#define X86_BUG_F00D",
        107,
        "names of processor features"
    )]
    [InlineData("arch/x86/kvm/kvm-asm-offsets.c", "BLANK();", "BLANK(); BLANK();", 107, "arch/x86/kvm/kvm-asm-offsets.c")]
    public async Task What_no_livepatch_can_bring_is_never_left_out_silently(
        string path,
        string text,
        string instead,
        int number,
        string reason
    )
    {
        // Beside a unit that could be live patched, and with which all would seem to be done.
        var outcome = await new TouchedUnits(stock.Cache, BuildRequest.UsualMostUnits).FindAsync(
            await stock.TreeAsync(),
            await ApplyAsync(
                (path, t => t.Replace(text, instead, StringComparison.Ordinal)),
                ("fs/eventfd.c", t => t.Replace("kfree(ctx);", "kfree(ctx); ;", StringComparison.Ordinal))
            ),
            Cancellation
        );

        Assert.Contains(outcome.Problems, p => p.Reason.Contains(reason, StringComparison.Ordinal));
        Assert.All(outcome.Problems, p => Assert.Equal(number, p.Code.Number));
    }

    [Fact]
    public async Task A_unit_that_is_edited_and_sees_an_edited_header_is_there_for_both()
    {
        var units = Get(
            await new TouchedUnits(stock.Cache, BuildRequest.UsualMostUnits).FindAsync(
                await stock.TreeAsync(),
                await ApplyAsync(
                    (
                        "fs/pnode.h",
                        t => t.Replace("mnt_flags & MNT_SHARED)", "mnt_flags & (MNT_SHARED | 0))", StringComparison.Ordinal)
                    ),
                    ("fs/pnode.c", t => t.Replace("return 0;", "return 0; ;", StringComparison.Ordinal))
                ),
                Cancellation
            )
        );

        Assert.Equal(["fs/pnode.c", "fs/pnode.h"], units.Single(u => u.Command.Unit == "fs/pnode.c").Because);
        Assert.Equal(["fs/pnode.h"], units.Single(u => u.Command.Unit == "fs/namespace.c").Because);
    }

    [Fact]
    public async Task A_declaration_is_in_the_text_that_the_vdso_sees_and_in_no_code_of_it()
    {
        var outcome = await TouchedAsync(
            "include/vdso/helpers.h",
            t =>
                t.Replace(
                    "static __always_inline u32 vdso_read",
                    "extern int added(void);\nstatic __always_inline u32 vdso_read",
                    StringComparison.Ordinal
                )
        );
        Assert.Equal([PatchProblems.NothingChanged], outcome.Problems.Select(p => p.Code));
    }

    [Fact]
    public async Task An_added_line_changes_the_object_only_where_it_is()
    {
        var tree = await stock.TreeAsync();
        var sources = await ApplyAsync(
            "mm/page_counter.c",
            t =>
                t.Replace(
                    "#include <linux/page_counter.h>\n",
                    "#include <linux/page_counter.h>\n\n\n\n",
                    StringComparison.Ordinal
                )
        );
        var command = Get(await new KbuildCommands(stock.Cache).ForUnitsAsync(tree, ["mm/page_counter.c"], Cancellation))[0];
        var compiler = new UnitCompiler(stock.Cache);
        var before = Get(await compiler.CompileAsync(tree, command, SourceOverlay.None, CompileVariant.AsBuilt, Cancellation));
        var kept = Get(await compiler.CompileAsync(tree, command, sources.LinePreserving, CompileVariant.AsBuilt, Cancellation));
        var moved = Get(await compiler.CompileAsync(tree, command, sources.Plain, CompileVariant.AsBuilt, Cancellation));
        Assert.True(before.Object.Span.SequenceEqual(kept.Object.Span));
        Assert.False(before.Object.Span.SequenceEqual(moved.Object.Span));
    }

    [Fact]
    public async Task A_file_that_is_removed_and_comes_again_is_a_changed_one()
    {
        const string path = "mm/page_counter.c";
        var tree = await stock.TreeAsync();
        var whole = await PatchAsync(tree, path, t => t + "\n/* more */\n");
        var lines = whole.Split('\n')[3..^1];
        List<string> before = [.. lines.Where(l => l[0] == '-')];
        List<string> after = [.. lines.Where(l => l[0] == '+')];
        var removal = Part($"--- a/{path}\n+++ /dev/null\n@@ -1,{before.Count} +0,0 @@\n", before);
        var addition = Part($"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{after.Count} @@\n", after);
        var sources = Get(PatchedSources.Apply(tree, [removal, addition]));
        Assert.True(
            Get(PatchedSources.Apply(tree, [Get(SourcePatch.Parse(Encoding.UTF8.GetBytes(whole), "whole.patch"))]))
                .Plain.Files[path]
                .Span.SequenceEqual(sources.Plain.Files[path].Span)
        );
        Assert.Empty(sources.Added);
        Assert.Equal(PatchProblems.PatchMovesFiles, Assert.Single(PatchedSources.Apply(tree, [removal]).Problems).Code);
        Assert.Equal(
            PatchProblems.PatchDoesNotApply,
            Assert.Single(PatchedSources.Apply(tree, [removal, removal]).Problems).Code
        );
        Assert.Equal(PatchProblems.PatchDoesNotApply, Assert.Single(PatchedSources.Apply(tree, [addition]).Problems).Code);
        var part = Part($"--- a/{path}\n+++ /dev/null\n@@ -1,3 +0,0 @@\n", before[..3]);
        Assert.Equal(PatchProblems.PatchDoesNotApply, Assert.Single(PatchedSources.Apply(tree, [part]).Problems).Code);

        static SourcePatch Part(string header, IEnumerable<string> lines) =>
            Get(SourcePatch.Parse(Encoding.UTF8.GetBytes(header + string.Concat(lines.Select(l => l + "\n"))), "part.patch"));
    }

    private async Task<Outcome<IReadOnlyList<TouchedUnit>>> TouchedAsync(string path, Func<string, string> edit) =>
        await new TouchedUnits(stock.Cache, BuildRequest.UsualMostUnits).FindAsync(
            await stock.TreeAsync(),
            await ApplyAsync(path, edit),
            Cancellation
        );

    private Task<PatchedSources> ApplyAsync(string path, Func<string, string> edit) => ApplyAsync((path, edit));

    private async Task<PatchedSources> ApplyAsync(params (string Path, Func<string, string> Edit)[] edits)
    {
        var tree = await stock.TreeAsync();
        var text = new StringBuilder();
        foreach (var (path, edit) in edits)
        {
            text.Append(await PatchAsync(tree, path, edit));
        }

        var patch = Get(SourcePatch.Parse(Encoding.UTF8.GetBytes(text.ToString()), "test.patch"));
        return Get(PatchedSources.Apply(tree, [patch]));
    }

    // The patch that makes an edit, as one hunk over the whole file.
    private static async Task<string> PatchAsync(PreparedTree tree, string path, Func<string, string> edit)
    {
        var before = await File.ReadAllTextAsync(Path.Combine(tree.Folder, path), Cancellation);
        var old = before.TrimEnd('\n').Split('\n');
        var @new = edit(before).TrimEnd('\n').Split('\n');
        Assert.NotEqual(old, @new);
        var text = new StringBuilder($"--- a/{path}\n+++ b/{path}\n@@ -1,{old.Length} +1,{@new.Length} @@\n");
        foreach (var line in old)
        {
            text.Append('-').Append(line).Append('\n');
        }

        foreach (var line in @new)
        {
            text.Append('+').Append(line).Append('\n');
        }

        return text.ToString();
    }
}
