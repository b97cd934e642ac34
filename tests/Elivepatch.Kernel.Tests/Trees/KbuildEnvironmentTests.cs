using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Kernel.Trees;
using Elivepatch.Protocol.Captures;
using Xunit;

namespace Elivepatch.Kernel.Tests.Trees;

public sealed class KbuildEnvironmentTests
{
    private static readonly Toolchain compiler = new("gcc-12", "/usr/bin/gcc-12", "", Userland.Host, null);

    [Fact]
    public void A_tool_that_the_builder_had_answers_with_its_version()
    {
        var config = KernelConfig.Parse("CONFIG_PAHOLE_VERSION=124\nCONFIG_RUSTC_VERSION=107800\n");
        Assert.Contains("PAHOLE=pahole", Variables(config));
        Assert.Contains("echo v1.24\n", KbuildEnvironment.PaholeScript(config));
        Assert.DoesNotContain(Variables(config), v => v.StartsWith("RUSTC=", StringComparison.Ordinal));
    }

    // scripts/pahole-version.sh says 0 only where no program of that name is there; one that says nothing breaks init/Kconfig.
    [Theory]
    [InlineData("CONFIG_PAHOLE_VERSION=0\nCONFIG_RUSTC_VERSION=0\n")]
    [InlineData("# a kernel before these options\n")]
    public void A_tool_that_the_builder_did_not_have_is_not_found_here(string text)
    {
        var variables = Variables(KernelConfig.Parse(text));
        Assert.Contains("PAHOLE=/nonexistent", variables);
        Assert.Contains("RUSTC=/nonexistent", variables);
    }

    // The option stays in the configuration: make alone is told that there is none.
    [Theory]
    [InlineData("CONFIG_RUST=y\nCONFIG_RUSTC_VERSION=108501\n", true)]
    [InlineData("CONFIG_RUSTC_VERSION=108501\n", false)]
    public void Rust_that_is_compiled_in_is_not_built(string text, bool isLeftOut) =>
        Assert.Equal(isLeftOut, Variables(KernelConfig.Parse(text)).Contains("CONFIG_RUST="));

    private static IReadOnlyList<string> Variables(KernelConfig config) =>
        KbuildEnvironment.MakeVariables(KernelArchitectures.X8664, config, "6.12.1", compiler);
}
