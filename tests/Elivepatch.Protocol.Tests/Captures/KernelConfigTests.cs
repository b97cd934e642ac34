using Elivepatch.Protocol.Captures;

namespace Elivepatch.Protocol.Tests.Captures;

public sealed class KernelConfigTests
{
    [Fact]
    public void Options_are_read()
    {
        var config = KernelConfig.Parse(
            """
            CONFIG_LIVEPATCH=y
            CONFIG_CC_VERSION_TEXT="gcc (Debian 12.2.0-14) 12.2.0"
            CONFIG_PAHOLE_VERSION=124
            # CONFIG_RANDSTRUCT is not set

            """
        );
        Assert.Equal("gcc (Debian 12.2.0-14) 12.2.0", config.CompilerText);
        Assert.Equal(124, config.GetNumber("PAHOLE_VERSION"));
        Assert.True(config.IsSet("LIVEPATCH"));
        Assert.False(config.IsSet("RANDSTRUCT"));
        Assert.True(config.Contains("RANDSTRUCT"));
    }
}
