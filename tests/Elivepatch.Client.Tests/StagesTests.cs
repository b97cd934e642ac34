using Elivepatch.Model.Progress;
using Elivepatch.Terminal;
using Elivepatch.Terminal.Progress;

namespace Elivepatch.Client.Tests;

/// <summary>Progress in a log and on a terminal.</summary>
public sealed class StagesTests
{
    private static readonly StageEvent[] events =
    [
        new("download", "linux-image", StageState.Running),
        new("download", "linux-image", StageState.Running, 10, 100),
        new("download", "linux-image", StageState.Running, 90, 100),
        new("download", "", StageState.Done),
        new("prepare", "", StageState.Cached),
        new("compile", "\x1b[2J", StageState.Running),
        new("compile", "", StageState.Failed),
    ];

    [Fact]
    public async Task A_log_gets_a_line_for_a_beginning_and_one_for_an_end()
    {
        var output = new StringWriter();
        Assert.Equal(7, await Stages.ShowAsync(new Session(TextWriter.Null, output, IsTerminal: false, _ => null), Tell));
        Assert.Matches(
            """
            ^download: linux-image
            download: done in \d+\.\d s \(linux-image\)
            prepare: cached
            compile: \\x1b\[2J
            compile: failed after \d+\.\d s
            $
            """.ReplaceLineEndings("\n"),
            output.ToString()
        );
    }

    [Fact]
    public async Task A_log_is_not_filled_with_details()
    {
        var output = new StringWriter();
        await Stages.ShowAsync(
            new Session(TextWriter.Null, output, IsTerminal: false, _ => null),
            progress =>
            {
                for (var i = 0; i < 1000; i++)
                {
                    progress.Report(new("compile", $"file {i}", StageState.Running));
                }

                return Task.FromResult(0);
            }
        );
        Assert.InRange(output.ToString().Split('\n').Length, 2, 4);
    }

    [Fact]
    public async Task A_terminal_gets_lines_that_move_and_stay_in_the_end()
    {
        var output = new StringWriter();
        Assert.Equal(7, await Stages.ShowAsync(new Session(TextWriter.Null, output, IsTerminal: true, _ => null), Tell));
        var text = output.ToString();
        Assert.Contains("\x1b[", text, StringComparison.Ordinal);
        Assert.Contains("download", text, StringComparison.Ordinal);
        Assert.Contains("cached", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\x1b[2J", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_operation_that_throws_throws_through_the_terminal() =>
        await Assert.ThrowsAsync<OperationCanceledException>(() =>
            Stages.ShowAsync<int>(
                new Session(TextWriter.Null, new StringWriter(), IsTerminal: true, _ => null),
                _ => throw new OperationCanceledException()
            )
        );

    private static Task<int> Tell(IProgress<StageEvent> progress)
    {
        foreach (var happened in events)
        {
            progress.Report(happened);
        }

        return Task.FromResult(events.Length);
    }
}
