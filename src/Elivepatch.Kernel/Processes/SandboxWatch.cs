// In: the id of a bubblewrap process, and totals. Out: which total its sandbox exceeded, if it did. The limits of setrlimit(2)
// bind one process each, and some do not bind root; what a sandbox holds as a whole is counted here, from outside, where nothing
// inside can reach it. All its processes are children of bubblewrap's: the first process of their name space inherits orphans.

using System.Diagnostics;
using System.IO.Enumeration;

namespace Elivepatch.Kernel.Processes;

/// <summary>Counts what one sandbox uses, until it has ended or uses too much.</summary>
internal sealed class SandboxWatch(SandboxLimits limits, IReadOnlyList<string> writable)
{
    // Short commands are over before anybody looks; in this time none gets far.
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ShortestWalkPause = TimeSpan.FromMilliseconds(500);

    // Of a processor's time, this part at most goes into looking.
    private const int PauseForLook = 20;

    // A file system that others need as well is not filled to its end.
    private const long FreeSpaceFloor = 256L << 20;

    // What an empty file costs a file system, by and large.
    private const long FileOverhead = 4096;

    // By a clock that nobody sets.
    private long lastWalk = Stopwatch.GetTimestamp();
    private TimeSpan walkPause = ShortestWalkPause;

    /// <summary>What was exceeded, in words; null as long as nothing was.</summary>
    public string? Finding { get; private set; }

    /// <summary>Watches the sandbox that this process of bubblewrap makes. Returns only where it has to be ended.</summary>
    public async Task RunAsync(int process, CancellationToken cancellation)
    {
        var pause = ShortestPause;
        while (Finding is null)
        {
            await Task.Delay(pause, cancellation);
            var table = ProcessTable.Snapshot();
            Finding = Processes(table.DescendantsOf(process)) ?? Disk();
            pause = Max(ShortestPause, table.Cost * PauseForLook);
        }
    }

    private string? Processes(IEnumerable<ProcessUsage> processes)
    {
        var (threads, memory) = (0L, 0L);
        var files = new HashSet<(ulong Device, ulong Inode)>();
        foreach (var process in processes)
        {
            threads += process.Threads;
            memory += process.Memory + Unnamed(process.Id, files);
            // Going on would only take time in which the sandbox grows.
            if (threads > limits.TotalThreads)
            {
                return $"more than {limits.TotalThreads} processes and threads";
            }

            if (memory > limits.TotalMemory)
            {
                return $"more than {limits.TotalMemory >> 20} MiB of memory";
            }
        }

        return null;
    }

    // Files that are open and have no name any more, or never had one: neither a folder nor a process's pages show them.
    private static long Unnamed(int process, HashSet<(ulong Device, ulong Inode)> seen)
    {
        long bytes = 0;
        try
        {
            foreach (var file in new DirectoryInfo($"/proc/{process}/fd").EnumerateFileSystemInfos())
            {
                if (
                    file.LinkTarget is { } target
                    && target.EndsWith(" (deleted)", StringComparison.Ordinal)
                    && FileUsage.Of(file.FullName) is { Links: 0 } found
                    && seen.Add((found.Device, found.Inode))
                )
                {
                    bytes += found.Bytes;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process has ended, or is bubblewrap's own, which nobody may look into.
        }

        return bytes;
    }

    private string? Disk()
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            if (writable.FirstOrDefault(f => new DriveInfo(f).AvailableFreeSpace < FreeSpaceFloor) is not null)
            {
                return $"the disk has less than {FreeSpaceFloor >> 20} MiB left";
            }

            if (Stopwatch.GetElapsedTime(lastWalk, start) < walkPause)
            {
                return null;
            }

            var finding =
                writable.Sum(Size) > limits.TotalDisk ? $"more than {limits.TotalDisk >> 20} MiB in its directories" : null;
            lastWalk = Stopwatch.GetTimestamp();
            walkPause = Max(ShortestWalkPause, Stopwatch.GetElapsedTime(start, lastWalk) * PauseForLook);
            return finding;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"its directories cannot be read: {e.Message}";
        }
    }

    private long Size(string folder)
    {
        var files = new FileSystemEnumerable<long>(
            folder,
            (ref FileSystemEntry entry) => FileOverhead + (IsFile(ref entry) ? entry.Length : 0),
            new EnumerationOptions
            {
                RecurseSubdirectories = true,
                AttributesToSkip = 0,
                IgnoreInaccessible = false,
            }
        )
        {
            ShouldRecursePredicate = (ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
        };
        long size = 0;
        try
        {
            foreach (var length in files)
            {
                size += length;
                if (size > limits.TotalDisk)
                {
                    break;
                }
            }
        }
        catch (PathTooLongException)
        {
            // Folders in folders, beyond what a path can name, hide what is in them.
            return limits.TotalDisk + 1;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // Something vanished meanwhile; the next walk counts again.
        }

        return size;
    }

    private static bool IsFile(ref FileSystemEntry entry) =>
        !entry.IsDirectory && (entry.Attributes & FileAttributes.ReparsePoint) == 0;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
