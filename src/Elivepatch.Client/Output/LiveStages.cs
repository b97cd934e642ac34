using Elivepatch.Model.Progress;
using Elivepatch.Terminal;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Elivepatch.Client.Output;

/// <summary>Lines that move: for whoever watches a terminal.</summary>
internal static class LiveStages
{
    private static readonly TimeSpan interval = TimeSpan.FromMilliseconds(100);

    /// <summary>Runs the operation and draws its stages until it ends.</summary>
    public static async Task<T> ShowAsync<T>(TextWriter output, Func<IProgress<StageEvent>, Task<T>> operation)
    {
        var board = new StageBoard(TimeProvider.System);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.Yes });
        return await console.Live(Draw(board, 0)).StartAsync(async display =>
        {
            var running = operation(new Progress(board));
            for (var frame = 0; !running.IsCompleted; frame++)
            {
                display.UpdateTarget(Draw(board, frame));
                await Task.WhenAny(running, Task.Delay(interval));
            }
            display.UpdateTarget(Draw(board, 0));
            return await running;
        });
    }

    private static IRenderable Draw(StageBoard board, int frame)
    {
        var spinner = Spinner.Known.Dots.Frames;
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn().NoWrap()).AddColumn()
            .AddColumn(new GridColumn().NoWrap().RightAligned());
        foreach (var line in board.Lines())
        {
            var (mark, colour) = line.State switch
            {
                StageState.Running => (spinner[frame % spinner.Count], Color.Yellow),
                StageState.Failed => ("✗", Color.Red),
                _ => ("✓", Color.Green),
            };
            grid.AddRow(
                new Text(mark, new Style(colour)),
                new Text(Printable.Text(line.Stage)),
                new Text(Printable.Text(line.Detail), new Style(decoration: Decoration.Dim)),
                new Text(line.State == StageState.Cached ? "cached" : line.Share.Length > 0 ? $"{line.Share}  {line.Seconds}" : line.Seconds));
        }
        return grid;
    }

    // System.Progress would post to a context and let events overtake each other.
    private sealed class Progress(StageBoard board) : IProgress<StageEvent>
    {
        public void Report(StageEvent value) => board.Take(value);
    }
}
