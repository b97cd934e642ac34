using System.Diagnostics;
using System.Globalization;

namespace Elivepatch.Server.Tests;

/// <summary>
/// The program <c>elivepatchd</c> as it was built beside the tests, whose own folder has it without its native parts.
/// </summary>
internal static class DaemonProgram
{
    /// <summary>Where it lies.</summary>
    public static string Folder
    {
        get
        {
            var configuration = Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/')))!;
            return Path.Combine(Repository.Root, "src", "Elivepatch.Server", "bin", configuration, "net10.0", "linux-x64");
        }
    }

    /// <summary>The words that start it.</summary>
    public static string[] Words(string? folder = null) => ["dotnet", Path.Combine(folder ?? Folder, "elivepatchd.dll")];

    /// <summary>Starts it with no settings but those.</summary>
    public static Process Start(string[] words, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("ELIVEPATCHD_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>Runs a program that has to succeed.</summary>
    public static async Task RunAsync(string program, params string[] words)
    {
        using var process = Process.Start(program, words);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
    }

    /// <summary>Sends a signal.</summary>
    public static async Task SignalAsync(string signal, params IEnumerable<int> processes)
    {
        using var kill = Process.Start(
            "kill",
            [$"-{signal}", .. processes.Select(p => p.ToString(CultureInfo.InvariantCulture))]
        );
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }
}
