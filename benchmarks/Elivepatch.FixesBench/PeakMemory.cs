using System.Diagnostics;
using System.Globalization;

namespace Elivepatch.FixesBench;

/// <summary>Watches how much memory a process and those that it started hold together.</summary>
internal static class PeakMemory
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// The most that was seen until the process ended, in MiB of resident pages; pages that two of them share count twice.
    /// </summary>
    public static async Task<double> WatchAsync(Process process)
    {
        var peak = 0L;
        var end = process.WaitForExitAsync();
        while (!end.IsCompleted)
        {
            peak = Math.Max(peak, Held(process.Id));
            await Task.WhenAny(end, Task.Delay(Interval));
        }

        return Math.Round(peak * Environment.SystemPageSize / (double)(1 << 20), 1);
    }

    // proc_pid_stat(5): the parent is the second field after the name, resident pages the twenty-second.
    private static long Held(int root)
    {
        var (parents, pages) = (new Dictionary<int, int>(), new Dictionary<int, long>());
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (
                !int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                || Stat(folder) is not { } stat
            )
            {
                continue;
            }

            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            parents[id] = int.Parse(fields[1], CultureInfo.InvariantCulture);
            pages[id] = long.Parse(fields[21], CultureInfo.InvariantCulture);
        }

        return pages.Where(p => IsBelow(p.Key)).Sum(p => p.Value);

        bool IsBelow(int id)
        {
            for (var depth = 0; depth < 32; depth++)
            {
                if (id == root)
                {
                    return true;
                }

                if (!parents.TryGetValue(id, out id))
                {
                    return false;
                }
            }

            return false;
        }
    }

    private static string? Stat(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "stat"));
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return null;
        }
    }
}
