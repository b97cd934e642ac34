using Elivepatch.Kernel.Packages;
using Xunit;

namespace Elivepatch.Kernel.Tests.Packages;

public sealed class DebianVersionTests
{
    [Theory]
    [InlineData("6.12.115-2~deb12u1", "6.12.117-1~deb12u1")]
    [InlineData("6.12.9-1", "6.12.10-1")]
    [InlineData("6.1.140-1", "6.12.1-1")]
    [InlineData("1.0~rc1-1", "1.0-1")]
    [InlineData("1.0-1~bpo12+1", "1.0-1")]
    [InlineData("1.0-1", "1.0-1+b1")]
    [InlineData("9.0-1", "1:1.0-1")]
    [InlineData("1.0a-1", "1.0+-1")]
    public void Versions_are_ordered_as_the_policy_says(string older, string newer)
    {
        Assert.True(DebianVersion.Compare(older, newer) < 0);
        Assert.True(DebianVersion.Compare(newer, older) > 0);
        Assert.Equal(0, DebianVersion.Compare(older, older));
    }
}
