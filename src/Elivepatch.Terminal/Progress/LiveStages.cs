// In: a long operation. Out: its result; while it lasts, a line for each of its stages on the terminal, drawn over the last ones
// ten times a second: what it is, what it does, how long it has taken. The lines stay when it has ended.

using System.Text;
using Elivepatch.Model.Progress;

namespace Elivepatch.Terminal.Progress;

/// <summary>Lines that move: for whoever watches a terminal.</summary>
internal sealed class LiveStages
{
    // ECMA-48: CSI is ESC [; what ends in m sets colours (SGR).
    private const string HideCursor = "\x1b[?25l",
        ShowCursor = "\x1b[?25h",
        EraseBelow = "\x1b[J";
    private const string Yellow = "\x1b[93m",
        Red = "\x1b[91m",
        Green = "\x1b[32m",
        Dim = "\x1b[2m",
        Plain = "\x1b[0m";
    private const string Gap = "  ";
    private const string Spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

    // Narrower than this the details could not be read.
    private const int NarrowestDetail = 10;

    private static readonly TimeSpan interval = TimeSpan.FromMilliseconds(100);

    private readonly TextWriter output;
    private readonly StageBoard board = new(TimeProvider.System);
    private int drawn;

    private LiveStages(TextWriter output) => this.output = output;

    /// <summary>Runs the operation and draws its stages until it ends.</summary>
    public static Task<T> ShowAsync<T>(TextWriter output, Func<IProgress<StageEvent>, Task<T>> operation) =>
        new LiveStages(output).ShowAsync(operation);

    private async Task<T> ShowAsync<T>(Func<IProgress<StageEvent>, Task<T>> operation)
    {
        output.Write(HideCursor);
        try
        {
            var running = operation(new Progress(board));
            for (var frame = 0; !running.IsCompleted; frame++)
            {
                // What scrolled out of the window cannot be drawn over.
                Draw([.. Lines(frame, Console.WindowWidth).TakeLast(Math.Max(1, Console.WindowHeight - 1))]);
                await Task.WhenAny(running, Task.Delay(interval));
            }
            Draw(Lines(0, Console.WindowWidth));
            return await running;
        }
        finally
        {
            output.Write(ShowCursor);
            output.Flush();
        }
    }

    private void Draw(IReadOnlyList<string> lines)
    {
        var text = new StringBuilder("\r");
        if (drawn > 0)
        {
            text.Append($"\x1b[{drawn}A");
        }

        text.Append(EraseBelow);
        foreach (var line in lines)
        {
            text.Append(line).Append('\n');
        }

        drawn = lines.Count;
        output.Write(text);
        output.Flush();
    }

    private List<string> Lines(int frame, int width)
    {
        var rows = board
            .Lines()
            .Select(l =>
                (
                    Mark: l.State switch
                    {
                        StageState.Running => $"{Yellow}{Spinner[frame % Spinner.Length]}{Plain}",
                        StageState.Failed => $"{Red}✗{Plain}",
                        _ => $"{Green}✓{Plain}",
                    },
                    Stage: Printable.Escape(l.Stage),
                    Detail: Printable.Escape(l.Detail),
                    Time: l.State == StageState.Cached ? "cached"
                    : l.Share.Length > 0 ? $"{l.Share}{Gap}{l.Seconds}"
                    : l.Seconds
                )
            )
            .ToList();
        if (rows.Count == 0)
        {
            return [];
        }

        var (stage, time) = (rows.Max(r => r.Stage.Length), rows.Max(r => r.Time.Length));
        var room = Math.Max(NarrowestDetail, width - 1 - stage - time - (3 * Gap.Length));
        var detail = Math.Min(room, rows.Max(r => r.Detail.Length));
        var lines = new List<string>();
        foreach (var row in rows)
        {
            var parts = Wrap(row.Detail, detail);
            lines.Add(
                $"{row.Mark}{Gap}{row.Stage.PadRight(stage)}{Gap}{Dim}{parts[0].PadRight(detail)}{Plain}{Gap}{row.Time.PadLeft(time)}"
            );
            lines.AddRange(parts.Skip(1).Select(p => $" {Gap}{new string(' ', stage)}{Gap}{Dim}{p}{Plain}"));
        }
        return lines;
    }

    // Between words where there are any.
    private static List<string> Wrap(string text, int width)
    {
        var parts = new List<string>();
        while (text.Length > width)
        {
            var blank = text.LastIndexOf(' ', width);
            var end = blank > 0 ? blank : width;
            parts.Add(text[..end]);
            text = text[end..].TrimStart();
        }
        parts.Add(text);
        return parts;
    }

    // System.Progress would post to a context and let events overtake each other.
    private sealed class Progress(StageBoard board) : IProgress<StageEvent>
    {
        public void Report(StageEvent value) => board.Apply(value);
    }
}
