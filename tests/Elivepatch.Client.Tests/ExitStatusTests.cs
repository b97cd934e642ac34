using Elivepatch.Engine;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Tests;

/// <summary>Which failures are worth trying again.</summary>
public sealed class ExitStatusTests
{
    // Each is decided here: a new failure is either on this list or for somebody to look at.
    private static readonly HashSet<int> temporary =
    [
        // Networks and servers, workers and databases behind them.
        703, 1002, 1008, 1015, 1040, 1050, 1060, 1062,
        // A withdrawn build is built anew when it is asked for again.
        1073, 1074,
        // Others at work on this machine, and what they hold.
        1204, 1209, 1211, 1219, 1221,
    ];

    public static TheoryData<int> Numbers => [.. ProblemCodes.All.Select(c => c.Number)];

    [Theory]
    [MemberData(nameof(Numbers))]
    public void What_goes_away_by_itself_says_to_try_again_and_nothing_else_does(int number)
    {
        var code = ProblemCodes.All.Single(c => c.Number == number);
        Assert.Equal(temporary.Contains(number) ? 75 : (int)code.Kind, ExitStatus.Of([new(code, "")]));
    }

    [Theory]
    [InlineData("patch")]
    [InlineData("load-persisted")]
    [InlineData("enable")]
    [InlineData("disable")]
    public async Task Help_tells_what_may_be_tried_again(string verb)
    {
        var run = new TestSession();
        Assert.Equal(0, await run.RunAsync(verb, "--help"));
        Assert.Contains("\n75 not now: the same command may succeed later, unchanged.", run.Output, StringComparison.Ordinal);
    }
}
