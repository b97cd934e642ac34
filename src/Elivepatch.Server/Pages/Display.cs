// In: times, sizes and text of anybody. Out: how a page writes them. Text of clients stays text: what would steer a terminal or
// turn the direction of a line around is written out.

using System.Globalization;
using System.Text.RegularExpressions;
using Elivepatch.Protocol.Api;
using Elivepatch.Terminal;

namespace Elivepatch.Server.Pages;

/// <summary>How pages write things.</summary>
internal static partial class Display
{
    /// <summary>Digits of a digest that people see.</summary>
    private const int Digits = 12;

    /// <summary>A state as people read it.</summary>
    public static string Word(BuildState state) => state.ToString().ToLowerInvariant();

    /// <summary>The beginning of a digest.</summary>
    public static string Short(string digest) => digest.Length <= Digits ? digest : digest[..Digits];

    /// <summary>Text of anybody, in one line.</summary>
    public static string Text(string text) => Printable.Escape(text);

    /// <summary>Text of several lines.</summary>
    public static string Lines(string text) => string.Join('\n', text.Split('\n').Select(Printable.Escape));

    /// <summary>What a guest printed, line by line: without the sequences that move a cursor or colour the text.</summary>
    public static string Console(string text) => Lines(Sequences().Replace(text, "").Replace("\r", "", StringComparison.Ordinal));

    /// <summary>How long ago a time is.</summary>
    public static string Ago(DateTimeOffset time, DateTimeOffset now) =>
        (now - time) switch
        {
            { TotalSeconds: < 1 } => "now",
            { TotalSeconds: < 60 } span => $"{(int)span.TotalSeconds} s ago",
            { TotalMinutes: < 60 } span => $"{(int)span.TotalMinutes} min ago",
            { TotalHours: < 24 } span => $"{(int)span.TotalHours} h ago",
            { TotalDays: < 2 } => "1 day ago",
            var span => $"{(int)span.TotalDays} days ago",
        };

    /// <summary>How long something took.</summary>
    public static string Span(TimeSpan span) =>
        span switch
        {
            { TotalSeconds: < 0 } => "0.0 s",
            { TotalSeconds: < 59.95 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.0} s"),
            { TotalMinutes: < 60 } => string.Create(
                CultureInfo.InvariantCulture,
                $"{(int)span.TotalMinutes} min {span.Seconds:00} s"
            ),
            _ => string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours} h {span.Minutes:00} min"),
        };

    /// <summary>A time to the second.</summary>
    public static string Exact(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>A time for programs.</summary>
    public static string Machine(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>The time of day.</summary>
    public static string Clock(DateTimeOffset time) => time.UtcDateTime.ToString("HH:mm:ss.f", CultureInfo.InvariantCulture);

    /// <summary>A number of bytes.</summary>
    public static string Bytes(long bytes) =>
        bytes switch
        {
            < 10_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
            < 10 << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB"),
        };

    /// <summary>A number for attributes of pictures.</summary>
    public static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>A count with its word.</summary>
    public static string Count(long count, string one, string? many = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many ?? one + "s")}");

    // Control sequences and strings of ECMA-48 as terminals know them.
    [GeneratedRegex(@"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,500}(\x07|\x1b\\)|[ -/]{0,2}[0-Z\\^-~])")]
    private static partial Regex Sequences();
}
