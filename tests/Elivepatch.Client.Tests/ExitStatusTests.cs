namespace Elivepatch.Client.Tests;

/// <summary>Which failures are worth trying again.</summary>
public sealed class ExitStatusTests
{
    [Theory]
    [InlineData("patch")]
    [InlineData("load-persisted")]
    [InlineData("enable")]
    [InlineData("disable")]
    public async Task Help_tells_what_may_be_tried_again(string verb)
    {
        var run = new TestSession();
        Assert.Equal(0, await run.RunAsync(verb, "--help"));
        Assert.Contains(
            "\n75 temporary failure: the same command, unchanged, may succeed later.",
            run.Output,
            StringComparison.Ordinal
        );
    }
}
