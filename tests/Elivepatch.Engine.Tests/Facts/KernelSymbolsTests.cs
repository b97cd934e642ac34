using System.Text;
using Elivepatch.Engine.Facts;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Engine.Tests.Facts;

public sealed class KernelSymbolsTests
{
    private const string Sample = """
        0000000000000000 A fixed_percpu_data
        0000000000012000 A runqueues
        ffffffff81000000 T _text
        ffffffff81000100 t helper
        ffffffff81000200 W weak_one
        ffffffff81000300 t helper
        ffffffff82000000 d helper
        ffffffff82000040 D table
        ffffffffc0000200 t helper	[ext4]
        ffffffffc0000100 t helper	[ext4]
        ffffffffc0001000 t bpf_prog_6deef7357e7b4530	[bpf]

        """;

    [Fact]
    public void Symbols_are_found_by_name_and_by_address()
    {
        var symbols = Parse(Sample).Value;

        Assert.Equal(8, symbols.Vmlinux.Count);
        Assert.Equal(
            [0xffffffff81000100, 0xffffffff81000300, 0xffffffff82000000],
            symbols.Vmlinux.Named("helper").Select(s => s.Address)
        );
        Assert.Equal(["weak_one"], symbols.Vmlinux.At(0xffffffff81000200).Select(s => s.Name));
        Assert.Empty(symbols.Vmlinux.Named("help"));
        Assert.Empty(symbols.Vmlinux.At(0xffffffff81000201));
        Assert.Equal(["helper", "weak_one"], symbols.Vmlinux.Between(0xffffffff81000100, 0xffffffff81000300).Select(s => s.Name));
    }

    [Fact]
    public void A_capital_letter_marks_a_global_symbol()
    {
        var symbols = Parse(Sample).Value;

        Assert.True(Assert.Single(symbols.Vmlinux.Named("table")).IsGlobal);
        Assert.False(symbols.Vmlinux.Named("helper")[0].IsGlobal);
    }

    [Fact]
    public void Positions_are_counted_over_symbols_of_every_type()
    {
        var vmlinux = Parse(Sample).Value.Vmlinux;

        Assert.Equal(new Sympos(1), vmlinux.PositionOf("helper", 0xffffffff81000100));
        Assert.Equal(new Sympos(2), vmlinux.PositionOf("helper", 0xffffffff81000300));
        Assert.Equal(new Sympos(3), vmlinux.PositionOf("helper", 0xffffffff82000000));
        Assert.Equal(Sympos.Unique, vmlinux.PositionOf("table", 0xffffffff82000040));
        Assert.Null(vmlinux.PositionOf("table", 0xffffffff82000041));
        Assert.Null(vmlinux.PositionOf("absent", 0xffffffff82000040));
    }

    [Fact]
    public void A_module_counts_in_file_order_and_not_in_address_order()
    {
        var symbols = Parse(Sample).Value;
        var module = symbols.Module("ext4")!;

        Assert.Equal(["ext4", "bpf"], symbols.Modules);
        Assert.Equal(new Sympos(1), module.PositionOf("helper", 0xffffffffc0000200));
        Assert.Equal(new Sympos(2), module.PositionOf("helper", 0xffffffffc0000100));
        Assert.Equal(0xffffffffc0000100, Assert.Single(module.At(0xffffffffc0000100)).Address);
        Assert.Null(symbols.Module("xfs"));
    }

    [Fact]
    public void What_ftrace_remembers_of_freed_init_functions_is_no_symbol_of_the_module()
    {
        // As Debian's 6.12 lists it when a module was loaded while a livepatch was live.
        const string remembered = """
            ffffffffc0400000 T helper	[ext4]
            ffffffffc0703000 T dummy_init_module	[dummy]
            ffffffffc0200000 t ftrace_trampoline	[__builtin__ftrace]
            ffffffffc0703000 T again	[dummy]

            """;
        var symbols = Parse(
            Sample.Replace(
                "ffffffffc0001000 t bpf",
                "ffffffffc0600000 t dummy_setup\t[dummy]\n" + remembered + "ffffffffc0001000 t bpf",
                StringComparison.Ordinal
            )
        ).Value;

        Assert.Equal(["ext4", "dummy", "__builtin__ftrace", "bpf"], symbols.Modules);
        Assert.Equal("dummy_setup", symbols.Module("dummy")![0].Name);
        Assert.Equal(1, symbols.Module("dummy")!.Count);
        Assert.Equal(2, symbols.Module("ext4")!.Count);
        Assert.Equal(new Sympos(2), symbols.Module("ext4")!.PositionOf("helper", 0xffffffffc0000100));
        Assert.Null(symbols.Module("ext4")!.PositionOf("helper", 0xffffffffc0400000));
    }

    [Fact]
    public void What_kprobes_and_tracers_add_is_no_obstacle()
    {
        // As Debian's 6.12 lists it with probes at a function's entry and within one, and the function tracer on.
        const string added = """
            ffffffffc0207000 t ftrace_trampoline	[__builtin__ftrace]
            ffffffffc0201000 t ftrace_trampoline	[__builtin__ftrace]
            ffffffffc0001000 t bpf_prog_6deef7357e7b4530	[bpf]
            ffffffffc0203000 t kprobe_insn_page	[__builtin__kprobes]
            ffffffffc0205000 t kprobe_optinsn_page	[__builtin__kprobes]

            """;
        var symbols = Parse(Sample[..Sample.IndexOf("ffffffffc0001000 t bpf", StringComparison.Ordinal)] + added).Value;

        Assert.Equal(["ext4", "__builtin__ftrace", "bpf", "__builtin__kprobes"], symbols.Modules);
        Assert.Equal(2, symbols.Module("ext4")!.Count);
    }

    [Fact]
    public void A_symbol_of_unknown_type_is_neither_code_nor_global()
    {
        var symbol = Parse("ffffffff81bcd000 ? __nosave_begin\n").Value.Vmlinux[0];
        Assert.False(symbol.IsText || symbol.IsGlobal);
    }

    [Fact]
    public void Line_ends_of_a_serial_console_do_no_harm() =>
        Assert.Equal("_text", Parse(Sample.Replace("\n", "\r\n", StringComparison.Ordinal)).Value.Vmlinux[2].Name);

    [Fact]
    public void Hidden_addresses_are_refused_with_a_remedy()
    {
        var problem = Assert.Single(Parse("0000000000000000 T _text\n0000000000000000 t helper\n").Problems);

        Assert.Equal(KernelProblems.HiddenAddresses, problem.Code);
        Assert.Contains("kptr_restrict", problem.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ffffffff81000000 T")]
    [InlineData("ffffffff81000000 T \n")]
    [InlineData("ffffffff8100000g T _text\n")]
    [InlineData("ffffffff81000000 T _text\n\nffffffff81000010 T b\n")]
    [InlineData("ffffffff81000000 T a b\n")]
    [InlineData("ffffffff81000000 7 _text\n")]
    [InlineData("ffffffff81000000 T a\t[m\n")]
    [InlineData("ffffffff81000000 T a\t[]\n")]
    [InlineData("ffffffff81000000 T a\u0001\n")]
    [InlineData("ffffffff81000010 T a\nffffffff81000000 T b\n")]
    [InlineData("ffffffff81000010 T a\nffffffff81000020 T b\t[m]\nffffffff81000030 T c\n")]
    [InlineData("ffffffff81000020 T b\t[m]\n")]
    public void A_file_that_is_not_kallsyms_is_refused(string text) =>
        Assert.Equal(FactProblems.MalformedKallsyms, Assert.Single(Parse(text).Problems).Code);

    [Fact]
    public void A_name_longer_than_the_kernel_allows_is_refused()
    {
        Assert.True(Parse($"ffffffff81000000 T {new string('a', 511)}\n").Succeeded);
        Assert.False(Parse($"ffffffff81000000 T {new string('a', 512)}\n").Succeeded);
    }

    [Fact]
    public void A_name_longer_than_the_kernel_allows_is_found_nowhere() =>
        Assert.Empty(Parse(Sample).Value.Vmlinux.Named(new string('a', 5000)));

    [Fact]
    public void Lines_that_no_symbol_fits_into_get_no_room()
    {
        const int Length = 16 << 20;
        var text = new byte[Length];
        text.AsSpan().Fill((byte)'\n');
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(KernelSymbols.Parse(text).Succeeded);
        // Fifteen bytes a symbol, and the shortest line of one has 21.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Length);
    }

    private static Outcome<KernelSymbols> Parse(string text) => KernelSymbols.Parse(Encoding.UTF8.GetBytes(text));
}
