using System.Diagnostics;
using System.Globalization;

namespace Elivepatch.ClientBench;

/// <summary>One run of a program, from its start to its end.</summary>
/// <param name="Milliseconds">How long it took.</param>
/// <param name="Megabytes">The most memory that it held.</param>
internal sealed record ProgramRun(double Milliseconds, double Megabytes)
{
    /// <summary>Runs a program once to measure its time, and once more to measure its memory.</summary>
    public static ProgramRun Of(string file, string word)
    {
        var start = Stopwatch.GetTimestamp();
        Run(file, [word]);
        var elapsed = Stopwatch.GetElapsedTime(start);
        // GNU time: a process has its parent's memory until it becomes the program, and that of time is small.
        var said = Run("time", ["-q", "-f", "%M", file, word]);
        var kibibytes = double.Parse(said.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1], CultureInfo.InvariantCulture);
        return new(elapsed.TotalMilliseconds, kibibytes * 1024 / 1e6);
    }

    private static string Run(string file, string[] words)
    {
        using var process = Process.Start(
            new ProcessStartInfo(file, words) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEnd();
        output.Wait();
        process.WaitForExit();
        return process.ExitCode == 0
            ? error
            : throw new InvalidOperationException($"{file} {string.Join(' ', words)} ended with {process.ExitCode}: {error}");
    }
}
