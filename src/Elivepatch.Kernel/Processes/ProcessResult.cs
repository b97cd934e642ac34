using System.Text;

namespace Elivepatch.Kernel.Processes;

/// <summary>What a process left behind.</summary>
public sealed class ProcessResult
{
    private readonly Lazy<string> output;
    private readonly Lazy<string> error;

    internal ProcessResult(int exitCode, BoundedBuffer output, BoundedBuffer error, TimeSpan duration, bool timedOut)
    {
        ExitCode = exitCode;
        OutputBytes = output.Kept;
        ErrorBytes = error.Kept;
        Truncated = output.Dropped > 0 || error.Dropped > 0;
        Duration = duration;
        TimedOut = timedOut;
        this.output = new(() => Text(output));
        this.error = new(() => Text(error));
    }

    /// <summary>Exit status; 128 + signal number where a signal ended it, 127 where the executable was not found.</summary>
    public int ExitCode { get; }

    /// <summary>Standard output as UTF-8 text; ends with a mark where it was cut at the limit.</summary>
    public string Output => output.Value;

    /// <summary>Standard error as UTF-8 text; ends with a mark where it was cut at the limit.</summary>
    public string Error => error.Value;

    /// <summary>Standard output as it came, up to the limit.</summary>
    public ReadOnlyMemory<byte> OutputBytes { get; }

    /// <summary>Standard error as it came, up to the limit.</summary>
    public ReadOnlyMemory<byte> ErrorBytes { get; }

    /// <summary>One of the two streams was longer than the limit.</summary>
    public bool Truncated { get; }

    /// <summary>Wall-clock time from start to end.</summary>
    public TimeSpan Duration { get; }

    /// <summary>The process group was killed because its time was up.</summary>
    public bool TimedOut { get; }

    /// <summary>Ended by itself with status 0.</summary>
    public bool Succeeded => ExitCode == 0 && !TimedOut;

    /// <summary>How it ended and the last lines that it said, for a reason in a problem.</summary>
    public string Describe(int lines = 12)
    {
        var said = Error.Trim().Length > 0 ? Error : Output;
        var tail = said.Trim().Split('\n').TakeLast(lines).Select(l => l.Length > 400 ? l[..400] + "..." : l);
        var how = TimedOut ? $"no end after {Duration.TotalSeconds:0} s" : $"exit status {ExitCode}";
        var text = string.Join('\n', tail);
        return text.Length == 0 ? how : $"{how}: {text}";
    }

    private static string Text(BoundedBuffer buffer)
    {
        var text = Encoding.UTF8.GetString(buffer.Kept.Span);
        return buffer.Dropped == 0 ? text : $"{text}\n[... {buffer.Dropped} more bytes not kept]";
    }
}
