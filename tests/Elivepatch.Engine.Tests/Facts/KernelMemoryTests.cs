using System.Text;
using Elivepatch.Engine.Facts;
using Xunit;

namespace Elivepatch.Engine.Tests.Facts;

public sealed class KernelMemoryTests
{
    private const string Zero = """
        0000000000000000 A __per_cpu_start
        0000000000000040 A counter
        0000000000001000 A __per_cpu_end
        ffffffff81000000 T _stext
        ffffffff81100000 T _etext
        ffffffff82000000 D __start_rodata
        ffffffff82001000 D __start_ro_after_init
        ffffffff82002000 D __end_ro_after_init
        ffffffff82003000 D __end_rodata
        ffffffff82004000 D _sdata
        ffffffff82005000 D _edata
        ffffffff82006000 D __init_begin
        ffffffff82009000 R __init_end
        ffffffff8200a000 B __bss_start
        ffffffff8200b000 B __bss_stop

        """;

    // From 6.15 on, and on other processors, the per-processor area lies within what is freed.
    private static readonly string inside = Zero.Replace(
            "0000000000000000 A __per_cpu_start\n0000000000000040 A counter\n0000000000001000 A __per_cpu_end\n",
            "",
            StringComparison.Ordinal
        )
        .Replace(
            "ffffffff82009000 R",
            "ffffffff82007000 D __per_cpu_start\nffffffff82008000 D __per_cpu_end\nffffffff82009000 R",
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData(0x40, MemoryKind.PerCpu)]
    [InlineData(0x1000, MemoryKind.Unknown)]
    [InlineData(0xffffffff81000000, MemoryKind.Code)]
    [InlineData(0xffffffff82000fff, MemoryKind.Constant)]
    [InlineData(0xffffffff82001000, MemoryKind.ReadOnlyAfterInit)]
    [InlineData(0xffffffff82002000, MemoryKind.Constant)]
    [InlineData(0xffffffff82004000, MemoryKind.Data)]
    [InlineData(0xffffffff82006000, MemoryKind.Init)]
    [InlineData(0xffffffff82008fff, MemoryKind.Init)]
    [InlineData(0xffffffff82009000, MemoryKind.Unknown)]
    [InlineData(0xffffffff8200a000, MemoryKind.Data)]
    public void The_linker_scripts_symbols_say_what_an_address_is(ulong address, MemoryKind kind) =>
        Assert.Equal(kind, Of(Zero).KindOf(address));

    [Fact]
    public void The_per_processor_area_is_not_freed_where_it_lies_between_the_bounds_of_init()
    {
        var memory = Of(inside);

        Assert.True(memory.IsComplete);
        Assert.Equal(MemoryKind.PerCpu, memory.KindOf(0xffffffff82007800));
        Assert.Equal(MemoryKind.Init, memory.KindOf(0xffffffff82006800));
        Assert.Equal(MemoryKind.Init, memory.KindOf(0xffffffff82008800));
    }

    [Theory]
    [InlineData("__init_begin")]
    [InlineData("__init_end")]
    [InlineData("__per_cpu_start")]
    [InlineData("__per_cpu_end")]
    public void Without_the_bounds_of_what_is_freed_the_map_is_not_complete(string missing) =>
        Assert.False(Of(Zero.Replace(missing, missing + "_", StringComparison.Ordinal)).IsComplete);

    [Fact]
    public void A_bound_that_exists_twice_bounds_nothing() =>
        Assert.False(Of(Zero + "ffffffff8200c000 b __init_end\n").IsComplete);

    private static KernelMemory Of(string kallsyms) => new(KernelSymbols.Parse(Encoding.ASCII.GetBytes(kallsyms)).Value);
}
