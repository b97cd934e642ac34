using Elivepatch.Protocol.Api;
using Elivepatch.Server.Pages;

namespace Elivepatch.Page.Tests;

/// <summary>Times, sizes and stages as the page has them.</summary>
public sealed class DisplayTests
{
    private static readonly DateTimeOffset begin = new(2026, 7, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0.04, "0.0 s")]
    [InlineData(59.94, "59.9 s")]
    [InlineData(59.96, "0 min 59 s")]
    [InlineData(75, "1 min 15 s")]
    [InlineData(7380, "2 h 03 min")]
    [InlineData(-1, "0.0 s")]
    public void Spans_are_short(double seconds, string expected) =>
        Assert.Equal(expected, Display.Span(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("a\u001b[1;31mb\u001b[0m", "ab")]
    [InlineData("a\u001b]0;title\u0007b", "ab")]
    [InlineData("a\u001b[", "a\\x1b[")]
    [InlineData("one\r\ntwo\u0007", "one\ntwo\\x07")]
    public void A_console_is_text(string printed, string expected) => Assert.Equal(expected, Display.Console(printed));

    [Fact]
    public void The_stages_are_those_of_the_last_attempt()
    {
        var timeline = StageTimeline.Of(
            [
                State(0, "queued"),
                State(1, "running"),
                Stage(1, "compile", "running"),
                State(3, "queued"),
                State(10, "running"),
                Stage(10, "compile", "running"),
                Stage(12, "compile", "done"),
                Stage(12, "test", "running"),
                State(15, "failed"),
            ],
            begin.AddHours(1)
        );
        Assert.Equal(TimeSpan.FromSeconds(5), timeline.Whole);
        Assert.Equal(
            [("compile", "done", 0.0, 2.0), ("test", "ended", 2.0, 3.0)],
            timeline.Stages.Select(s => (s.Name, s.Status, s.Begin.TotalSeconds, s.Length.TotalSeconds))
        );
    }

    [Fact]
    public void A_stage_that_runs_lasts_until_now()
    {
        var timeline = StageTimeline.Of([State(0, "running"), Stage(1, "test", "running")], begin.AddSeconds(4));
        Assert.Equal(("running", 3.0), (timeline.Stages[0].Status, timeline.Stages[0].Length.TotalSeconds));
        Assert.Empty(StageTimeline.Of([], begin).Stages);
    }

    private static BuildEvent State(double seconds, string state) =>
        new(0, begin.AddSeconds(seconds), BuildEventKind.State, "", state);

    private static BuildEvent Stage(double seconds, string stage, string status) =>
        new(0, begin.AddSeconds(seconds), BuildEventKind.Stage, stage, "", status);
}
