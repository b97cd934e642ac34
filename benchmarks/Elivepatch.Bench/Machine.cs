using System.Globalization;

namespace Elivepatch.Bench;

/// <summary>The machine that figures come from: without it they say nothing.</summary>
/// <param name="Processor">Its processor, as /proc/cpuinfo names it.</param>
/// <param name="Processors">How many the process may use.</param>
/// <param name="MemoryGiB">Its memory.</param>
/// <param name="Load">The load average of the last minute when the run began: what others had to do.</param>
/// <param name="System">Its own kernel.</param>
internal sealed record Machine(string Processor, int Processors, long MemoryGiB, double Load, string System)
{
    /// <summary>This machine now.</summary>
    public static Machine Here() =>
        new(
            Field("/proc/cpuinfo", "model name") ?? "unknown",
            Environment.ProcessorCount,
            (long.Parse(Field("/proc/meminfo", "MemTotal")?.Split(' ')[0] ?? "0", CultureInfo.InvariantCulture) + (1 << 19))
                >> 20,
            CurrentLoad(),
            Environment.OSVersion.VersionString
        );

    /// <summary>The load average of the last minute.</summary>
    public static double CurrentLoad() =>
        double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);

    private static string? Field(string file, string name) =>
        File.ReadLines(file).Select(l => l.Split(':', 2)).FirstOrDefault(p => p.Length == 2 && p[0].Trim() == name)?[1].Trim();
}
