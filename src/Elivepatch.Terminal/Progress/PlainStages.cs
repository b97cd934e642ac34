using Elivepatch.Model.Progress;

namespace Elivepatch.Terminal.Progress;

/// <summary>A line for each thing that happens: for logs and pipes.</summary>
internal sealed class PlainStages(TextWriter output, TimeProvider time) : IProgress<StageEvent>
{
    // A stage that tells every file that it compiles would fill the log.
    private static readonly TimeSpan detailInterval = TimeSpan.FromSeconds(5);

    private readonly StageBoard board = new(time);
    private readonly Dictionary<string, (StageState State, long Written)> last = [];
    private readonly Lock writing = new();

    /// <inheritdoc/>
    public void Report(StageEvent value)
    {
        lock (writing)
        {
            if (!board.Apply(value))
            {
                return;
            }

            if (
                last.TryGetValue(value.Stage, out var before)
                && before.State == value.State
                && time.GetElapsedTime(before.Written) < detailInterval
            )
            {
                return;
            }

            last[value.Stage] = (value.State, time.GetTimestamp());
            var line = board.Lines().First(l => l.Stage == value.Stage);
            output.WriteLine(
                Printable.Escape(
                    $"{line.Stage}: "
                        + line.State switch
                        {
                            StageState.Running => line.Detail.Length > 0 ? line.Detail : "begins",
                            StageState.Cached => $"cached{Detail(line)}",
                            StageState.Failed => $"failed after {line.Seconds}",
                            _ => $"done in {line.Seconds}{Detail(line)}",
                        }
                )
            );
            output.Flush();
        }
    }

    private static string Detail(StageLine line) => line.Detail.Length > 0 ? $" ({line.Detail})" : "";
}
