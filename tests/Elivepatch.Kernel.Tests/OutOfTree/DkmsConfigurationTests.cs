using Elivepatch.Kernel.Import;
using Xunit;

namespace Elivepatch.Kernel.Tests.OutOfTree;

/// <summary>What is taken from a <c>dkms.conf</c>, of which nothing is run.</summary>
public sealed class DkmsConfigurationTests(StockKernel stock)
{
    private const string Names = "PACKAGE_NAME=\"pulse\"\nPACKAGE_VERSION=1.0 # as tagged\n";

    [Theory]
    [InlineData("", "")]
    [InlineData("""MAKE[0]="make -C ${kernel_source_dir} M=$dkms_tree/$PACKAGE_NAME/${module_version}/build" """, "")]
    [InlineData("""MAKE="make all KERNEL_TREE=$kernel_source_dir V=1" """, "KERNEL_TREE=/lib/modules/RELEASE/build V=1")]
    [InlineData("""MAKE[0]="'make' -j8 KVER=$kernelver modules" """, "KVER=RELEASE")]
    [InlineData("#PRE_BUILD=\"configure.sh\"\nMAKE[0]='make CONFIG_X=m'", "CONFIG_X=m")]
    public async Task Variables_of_a_plain_make_are_taken(string text, string variables)
    {
        var tree = await stock.TreeAsync();
        var configuration = StockKernel.Get(DkmsConfiguration.Parse(Names + text, tree));
        Assert.Equal(PulseModule.BuildPath, StockKernel.Get(configuration.ReadBuildPath()));
        Assert.Equal(
            variables.Replace("RELEASE", tree.Release, StringComparison.Ordinal),
            string.Join(' ', StockKernel.Get(configuration.ReadMakeVariables()))
        );
    }

    [Theory]
    [InlineData("MAKE[0]=\"make; reboot\"", "runs more than make")]
    [InlineData("MAKE[0]=\"make -C src\"", "an argument whose meaning is not known (-C)")]
    [InlineData("MAKE[0]=\"make M=$dkms_tree/$PACKAGE_NAME/1.0/build/src\"", "in another folder")]
    [InlineData("MAKE[0]=\"make X=`id`\"", "is not plain text")]
    [InlineData("MAKE[0]=\"make X=$unknown\"", "is not plain text")]
    [InlineData("MAKE[0]=\"./build.sh\"", "runs more than make")]
    [InlineData("MAKE[0]=\"make\"\nMAKE[1]=\"make other\"", "more than one way")]
    [InlineData("MAKE[0]=\"make\"\nMAKE_MATCH[1]=\"^6\"", "more than one way")]
    [InlineData("MAKE[0]=\"make\"\nMAKE[0]=\"make X=1\"", "more than once")]
    [InlineData("PRE_BUILD=\"configure.sh\"", "changes the source")]
    [InlineData("PATCH[0]=\"fix.patch\"", "changes the source")]
    public async Task Anything_else_is_refused_with_the_words_that_are_not_understood(string text, string reason)
    {
        var tree = await stock.TreeAsync();
        var read = DkmsConfiguration.Parse(Names + text, tree).Then(c => c.ReadMakeVariables());
        var problem = Assert.Single(read.Problems);
        Assert.Equal(CompileProblems.DkmsUnreadable, problem.Code);
        Assert.Contains(reason, problem.Reason, StringComparison.Ordinal);
    }
}
