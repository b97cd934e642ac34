using Elivepatch.Model.Progress;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Builder.Jobs;

/// <summary>Tells a build's journal what the stages below tell of themselves.</summary>
internal sealed class JournalReporter(IProgress<BuildEvent> journal) : IProgress<StageEvent>
{
    private const int LongestText = 2000;

    /// <inheritdoc/>
    public void Report(StageEvent value) =>
        journal.Report(
            new(
                0,
                default,
                BuildEventKind.Stage,
                value.Stage,
                Short(value.Detail),
                value.State.ToString().ToLowerInvariant(),
                value.Done,
                value.Total
            )
        );

    /// <summary>Tells a line of the log.</summary>
    public void Log(string line)
    {
        foreach (var part in line.Split('\n'))
        {
            journal.Report(new(0, default, BuildEventKind.Log, "", Short(part.TrimEnd('\r'))));
        }
    }

    // What compilers and guests print may have any length, and characters that steer a terminal.
    private static string Short(string text) =>
        string.Concat(text.Take(LongestText).Select(c => char.IsControl(c) && c != '\t' ? '?' : c));
}
