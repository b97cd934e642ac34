using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Trees;
using Elivepatch.Protocol.Captures;
using Xunit;

namespace Elivepatch.Kernel.Tests.Records;

public sealed class ConfigRulesTests
{
    private const string Good = """
        CONFIG_X86_64=y
        CONFIG_MODULES=y
        CONFIG_LIVEPATCH=y
        CONFIG_KALLSYMS_ALL=y
        CONFIG_HAVE_RELIABLE_STACKTRACE=y
        CONFIG_DYNAMIC_FTRACE_WITH_ARGS=y
        CONFIG_CC_VERSION_TEXT="gcc (Debian 12.2.0-14) 12.2.0"
        CONFIG_PAHOLE_VERSION=124
        # CONFIG_RANDSTRUCT is not set

        """;

    [Fact]
    public void A_kernel_that_can_be_live_patched_has_no_problem() =>
        Assert.Empty(ConfigRules.Check(KernelArchitectures.X8664, KernelConfig.Parse(Good)));

    [Theory]
    [InlineData("CONFIG_LIVEPATCH=y", "", "CONFIG_LIVEPATCH is not set", 203)]
    [InlineData("CONFIG_X86_64=y", "", "CONFIG_X86_64 is not set", 203)]
    [InlineData("CONFIG_DYNAMIC_FTRACE_WITH_ARGS=y", "", "CONFIG_DYNAMIC_FTRACE_WITH_ARGS", 203)]
    [InlineData("# CONFIG_RANDSTRUCT is not set", "CONFIG_RANDSTRUCT=y", "CONFIG_RANDSTRUCT is set", 204)]
    [InlineData("CONFIG_MODULES=y", "CONFIG_MODULES=y\nCONFIG_GCC_PLUGIN_LATENT_ENTROPY=y", "LATENT_ENTROPY", 204)]
    [InlineData("CONFIG_MODULES=y", "CONFIG_MODULES=y\nCONFIG_LTO_CLANG=y", "CONFIG_LTO_CLANG", 204)]
    public void What_forbids_a_livepatch_is_named(string option, string instead, string reason, int number)
    {
        var problem = Assert.Single(
            ConfigRules.Check(
                KernelArchitectures.X8664,
                KernelConfig.Parse(Good.Replace(option, instead, StringComparison.Ordinal))
            )
        );
        Assert.Contains(reason, problem.Reason);
        Assert.Equal(number, problem.Code.Number);
    }
}
