namespace Elivepatch.Kernel.Packages;

/// <summary>Tells how a download comes along whose program does not.</summary>
internal static class FolderGrowth
{
    private static readonly TimeSpan interval = TimeSpan.FromMilliseconds(500);

    /// <summary>Tells now and then how many bytes the files in a folder have, until it is cancelled.</summary>
    public static async Task WatchAsync(string folder, Action<long> told, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            told(new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length));
            await Task.Delay(interval, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
