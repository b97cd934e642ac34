using System.Diagnostics;
using System.Globalization;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Output;

/// <summary>Lines with the time since the start in front; they come from any thread.</summary>
internal sealed class TimedLines(TextWriter output)
{
    private readonly long start = Stopwatch.GetTimestamp();
    private readonly Lock writing = new();

    /// <summary>Writes a line.</summary>
    public void Write(string line)
    {
        lock (writing)
        {
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Stopwatch.GetElapsedTime(start).TotalSeconds, 6:0.0} s  {Printable.Escape(line)}"
                )
            );
            output.Flush();
        }
    }
}
