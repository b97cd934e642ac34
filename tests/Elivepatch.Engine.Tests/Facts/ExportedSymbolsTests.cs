using System.Text;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Engine.Tests.Facts;

public sealed class ExportedSymbolsTests
{
    [Fact]
    public void Every_field_of_an_export_is_read()
    {
        var exports = Parse(
            "0xf7370f56\tsystem_state\tvmlinux\tEXPORT_SYMBOL\t\n0x0000beef\tdma_get\tdrivers/dma/dma\tEXPORT_SYMBOL_GPL\tDMA_BUF\n"
        ).Value;

        Assert.Equal(2, exports.Count);
        Assert.Equal(new ExportedSymbol("system_state", 0xf7370f56, "vmlinux", ""), exports.Find("system_state"));
        Assert.Equal(new ExportedSymbol("dma_get", 0xbeef, "drivers/dma/dma", "DMA_BUF"), exports.Find("dma_get"));
        Assert.True(VmlinuxTarget.HasExport(exports.Find("system_state")!));
        Assert.Null(exports.Find("system"));
    }

    [Theory]
    [InlineData("system_state\n")]
    [InlineData("f7370f56\tsystem_state\tvmlinux\tEXPORT_SYMBOL\t\n")]
    [InlineData("0xf7370g56\tsystem_state\tvmlinux\tEXPORT_SYMBOL\t\n")]
    [InlineData("0xf7370f56\t\tvmlinux\tEXPORT_SYMBOL\t\n")]
    [InlineData("0xf7370f56\tsystem_state\tvmlinux\tEXPORTED\t\n")]
    [InlineData("0xf7370f56\ta\tvmlinux\tEXPORT_SYMBOL\t\n0xf7370f57\ta\tvmlinux\tEXPORT_SYMBOL\t\n")]
    public void A_file_that_is_not_Module_symvers_is_refused(string text) =>
        Assert.Equal(FactProblems.MalformedSymvers, Assert.Single(Parse(text).Problems).Code);

    [Fact]
    public void What_the_file_of_a_listed_module_exports_keeps_its_checksum_and_namespace()
    {
        var exports = Parse(
            """
            0x11111111	own	drivers/net/net-core	EXPORT_SYMBOL_GPL	SPACE
            0x22222222	taken	drivers/net/net-core	EXPORT_SYMBOL_GPL	

            """
        )
            .Value.With([new("own", 0, "net_core", ""), new("taken", 0, "other", ""), new("new", 0, "other", "")]);
        Assert.Equal(new("own", 0x11111111, "drivers/net/net-core", "SPACE"), exports.Find("own"));
        Assert.Equal(new("taken", 0, "other", ""), exports.Find("taken"));
        Assert.Equal(new("new", 0, "other", ""), exports.Find("new"));
    }

    private static Outcome<ExportedSymbols> Parse(string text) => ExportedSymbols.Parse(Encoding.UTF8.GetBytes(text));
}
