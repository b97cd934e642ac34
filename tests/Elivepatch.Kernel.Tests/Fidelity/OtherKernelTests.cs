using Elivepatch.Engine;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Records;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Kernel.Tests.Fidelity;

/// <summary>A livepatch is never built for a kernel that the record, the source or the compiler does not fit.</summary>
public sealed class OtherKernelTests(StockKernel stock) : IDisposable
{
    private const string MeminfoPatch = """
        --- a/fs/proc/meminfo.c
        +++ b/fs/proc/meminfo.c
        @@ -132,1 +132,1 @@
        -	show_val_kb(m, "VmallocChunk:   ", 0ul);
        +	show_val_kb(m, "VMALLOCCHUNK:   ", 0ul);

        """;

    private const string StatPatch = """
        --- a/fs/proc/stat.c
        +++ b/fs/proc/stat.c
        @@ -127,1 +127,1 @@
        -	seq_put_decimal_ull(p, "cpu  ", nsec_to_clock_t(user));
        +	seq_put_decimal_ull(p, "CPU  ", nsec_to_clock_t(user));

        """;

    private const string UptimePatch = """
        --- a/fs/proc/uptime.c
        +++ b/fs/proc/uptime.c
        @@ -35,1 +35,1 @@
        -	seq_printf(m, "%lu.%02lu %lu.%02lu\n",
        +	seq_printf(m, "%lu.%02lu  %lu.%02lu\n",

        """;

    // One unit is of another text, another is compiled with another flag.
    private const string OtherSource = """
        --- a/fs/proc/meminfo.c
        +++ b/fs/proc/meminfo.c
        @@ -131,2 +131,3 @@
         	show_val_kb(m, "VmallocUsed:    ", vmalloc_nr_pages());
        +	show_val_kb(m, "VmallocAgain:   ", vmalloc_nr_pages());
         	show_val_kb(m, "VmallocChunk:   ", 0ul);
        --- a/fs/proc/Makefile
        +++ b/fs/proc/Makefile
        @@ -8,2 +8,3 @@
         CFLAGS_task_mmu.o	+= -Wno-override-init
        +CFLAGS_uptime.o	+= -fno-stack-protector
         proc-y			:= nommu.o task_nommu.o

        """;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("other-kernel-");

    private string Kept => Path.Combine(folder.FullName, "kept");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_source_or_a_flag_that_is_not_the_kernels_is_refused_by_the_function_that_differs()
    {
        var record = await stock.RecordAsync();
        var otherText = await RefuseAsync(record, MeminfoPatch, OtherSource);
        Assert.Equal(ProblemKind.Mismatch, otherText.Code.Kind);
        Assert.Contains("fs/proc/meminfo.c", otherText.Reason);
        Assert.Contains("meminfo_proc_show (", otherText.Reason);
        var otherFlag = await RefuseAsync(record, UptimePatch, OtherSource);
        Assert.Equal(ProblemKind.Mismatch, otherFlag.Code.Kind);
        Assert.Contains("uptime_proc_show (", otherFlag.Reason);
    }

    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task A_function_that_the_kernel_inlined_is_named()
    {
        var problem = await RefuseAsync(await CopyAsync(symbols: text => Edit(text, " t stat_open", null)), StatPatch);
        Assert.Equal(FidelityProblems.LayoutDiffers, problem.Code);
        Assert.Contains("stat_open (not in the running kernel)", problem.Reason);
    }

    [Fact]
    public async Task A_function_of_another_length_is_named()
    {
        var problem = await RefuseAsync(await CopyAsync(symbols: text => Edit(text, " T get_idle_time", 16)), StatPatch);
        Assert.Equal(FidelityProblems.LayoutDiffers, problem.Code);
        Assert.Matches(@"get_idle_time \(\d+ bytes to the next symbol, \d+ in the running kernel\)", problem.Reason);
    }

    [Fact]
    public async Task One_other_byte_in_the_kernels_code_is_found()
    {
        var record = await CopyAsync();
        var vmlinux = Path.Combine(record.Folder, "vmlinux");
        var bytes = await File.ReadAllBytesAsync(vmlinux, TestContext.Current.CancellationToken);
        var symbols = await File.ReadAllLinesAsync(record.KallsymsPath, TestContext.Current.CancellationToken);
        var function = AddressOf(symbols, "meminfo_proc_show");
        // Behind the call for ftrace, among the instructions that save registers.
        var place = (int)(FileOffsetOfText(bytes) + (function - AddressOf(symbols, "_text")) + 24);
        bytes[place] ^= 1;
        File.Delete(vmlinux);
        await File.WriteAllBytesAsync(vmlinux, bytes, TestContext.Current.CancellationToken);
        var problem = await RefuseAsync(record, MeminfoPatch);
        Assert.Equal(FidelityProblems.BytesDiffer, problem.Code);
        Assert.Contains("meminfo_proc_show (", problem.Reason);
    }

    [Fact]
    public async Task A_compiler_that_is_not_here_is_named_with_the_way_to_have_it()
    {
        var record = await CopyAsync(config: text =>
            text.Replace("(Debian 12.2.0-14+deb12u1) 12.2.0", "(Elsewhere 12.3.0-1) 12.3.0", StringComparison.Ordinal)
        );
        var problem = await RefuseAsync(record, MeminfoPatch);
        Assert.Equal(CompileProblems.CompilerMissing, problem.Code);
        Assert.Contains("(Elsewhere 12.3.0-1) 12.3.0", problem.Reason);
        Assert.Contains("`elivepatch toolchain import FILE`", problem.Remedy);
    }

    // Gives the one problem of a build, and sees to it that nothing was written.
    private async Task<Problem> RefuseAsync(KernelRecord record, string patch, string? basePatch = null)
    {
        var request = new BuildRequest(
            record,
            [Write("live.patch", patch)],
            basePatch is null ? [] : [Write("base.patch", basePatch)],
            null,
            Replace: true,
            Kept
        );
        var outcome = await new LivepatchBuild(stock.Cache).RunAsync(request, TestContext.Current.CancellationToken);
        var problem = Assert.Single(outcome.Problems);
        Assert.False(Directory.Exists(Kept));
        return problem;
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }

    // The stock kernel's record with other symbols or another configuration.
    private async Task<KernelRecord> CopyAsync(Func<string, string>? symbols = null, Func<string, string>? config = null)
    {
        var record = await stock.RecordAsync();
        var copy = record with { Folder = Directory.CreateDirectory(Path.Combine(folder.FullName, "record")).FullName };
        foreach (var file in Directory.EnumerateFiles(record.Folder))
        {
            File.Copy(file, Path.Combine(copy.Folder, Path.GetFileName(file)));
        }

        Rewrite(copy.KallsymsPath, symbols);
        Rewrite(copy.ConfigPath, config);
        return copy;
    }

    private static void Rewrite(string path, Func<string, string>? change)
    {
        if (change is not null)
        {
            File.WriteAllText(path, change(File.ReadAllText(path)));
        }
    }

    // Moves a symbol of kallsyms by some bytes, or renames it.
    private static string Edit(string kallsyms, string symbol, int? distance)
    {
        var end = kallsyms.IndexOf($"{symbol}\n", StringComparison.Ordinal);
        var start = kallsyms.LastIndexOf('\n', end) + 1;
        var address = Convert.ToUInt64(kallsyms[start..end], 16);
        var line = distance is { } bytes ? $"{address + (ulong)bytes:x16}{symbol}\n" : $"{address:x16} t somebody_elses\n";
        return string.Concat(kallsyms.AsSpan(0, start), line, kallsyms.AsSpan(end + symbol.Length + 1));
    }

    private static ulong AddressOf(IEnumerable<string> kallsyms, string name) =>
        Convert.ToUInt64(kallsyms.First(l => l.EndsWith($" {name}", StringComparison.Ordinal)).Split(' ')[0], 16);

    // The first segment is that of the code. System V gABI, "Program Header": e_phoff at 32, p_offset at 8 of the first entry.
    private static ulong FileOffsetOfText(byte[] vmlinux) =>
        BitConverter.ToUInt64(vmlinux, (int)BitConverter.ToUInt64(vmlinux, 32) + 8);
}
