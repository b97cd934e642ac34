using System.Text;
using Elivepatch.Engine;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Patches;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.Patches;

public sealed class StockPatchTests(StockKernel stock)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_changed_c_file_touches_its_unit()
    {
        var units = Get(await TouchedAsync("fs/proc/meminfo.c", t => t.Replace("VmallocChunk", "VMALLOCCHUNK", StringComparison.Ordinal)));
        Assert.Equal(["fs/proc/meminfo.c"], units.Select(u => u.Command.Unit));
    }

    [Fact]
    public async Task A_c_file_that_another_includes_touches_that()
    {
        var units = Get(await TouchedAsync("kernel/sched/rt.c", t => t.Replace("int sched_rr_timeslice", "int  sched_rr_timeslice", StringComparison.Ordinal) + "static int added;\n"));
        Assert.Equal(["kernel/sched/build_policy.c"], units.Select(u => u.Command.Unit));
    }

    [Fact]
    public async Task A_changed_header_touches_the_units_whose_text_changes()
    {
        var units = Get(await TouchedAsync("fs/proc/internal.h", t => t.Replace("struct proc_dir_entry {", "struct proc_dir_entry {\n\tint added;", StringComparison.Ordinal)));
        Assert.Contains("fs/proc/generic.c", units.Select(u => u.Command.Unit));
        Assert.All(units, u => Assert.Equal(["fs/proc/internal.h"], u.Because));
    }

    [Fact]
    public async Task A_comment_in_a_header_touches_nothing()
    {
        var outcome = await TouchedAsync("fs/proc/internal.h", t => "/* a comment\n * of two lines */\n" + t);
        Assert.Equal(ProblemCodes.FileNotCompiled, outcome.Problems[0].Code);
    }

    [Fact]
    public async Task A_header_of_everything_is_refused()
    {
        var outcome = await TouchedAsync("include/linux/kernel.h", t => t + "\nstruct added;\n");
        Assert.Equal(ProblemCodes.TooManyUnits, outcome.Problems[0].Code);
    }

    [Fact]
    public async Task An_added_line_changes_the_object_only_where_it_is()
    {
        var tree = await stock.TreeAsync();
        var sources = await ApplyAsync("mm/page_counter.c", t => t.Replace("#include <linux/page_counter.h>\n", "#include <linux/page_counter.h>\n\n\n\n", StringComparison.Ordinal));
        var command = Get(await new KbuildCommands(stock.Cache).ForUnitsAsync(tree, ["mm/page_counter.c"], Cancellation))[0];
        var compiler = new UnitCompiler(stock.Cache);
        var before = Get(await compiler.CompileAsync(tree, command, SourceOverlay.None, CompileVariant.AsBuilt, Cancellation));
        var kept = Get(await compiler.CompileAsync(tree, command, sources.LinePreserving, CompileVariant.AsBuilt, Cancellation));
        var moved = Get(await compiler.CompileAsync(tree, command, sources.Plain, CompileVariant.AsBuilt, Cancellation));
        Assert.True(before.Object.Span.SequenceEqual(kept.Object.Span));
        Assert.False(before.Object.Span.SequenceEqual(moved.Object.Span));
    }

    private async Task<Outcome<IReadOnlyList<TouchedUnit>>> TouchedAsync(string path, Func<string, string> edit) =>
        await new TouchedUnits(stock.Cache).FindAsync(await stock.TreeAsync(), await ApplyAsync(path, edit), Cancellation);

    // The patch that makes an edit, as one hunk over the whole file.
    private async Task<PatchedSources> ApplyAsync(string path, Func<string, string> edit)
    {
        var tree = await stock.TreeAsync();
        var before = await File.ReadAllTextAsync(Path.Combine(tree.Folder, path), Cancellation);
        var old = before.TrimEnd('\n').Split('\n');
        var @new = edit(before).TrimEnd('\n').Split('\n');
        Assert.NotEqual(old, @new);
        var text = new StringBuilder($"--- a/{path}\n+++ b/{path}\n@@ -1,{old.Length} +1,{@new.Length} @@\n");
        foreach (var line in old)
            text.Append('-').Append(line).Append('\n');
        foreach (var line in @new)
            text.Append('+').Append(line).Append('\n');
        var patch = Get(SourcePatch.Parse(Encoding.UTF8.GetBytes(text.ToString()), "test.patch"));
        return Get(PatchedSources.Apply(tree, [patch]));
    }
}
