namespace Elivepatch.Model.Files;

/// <summary>
/// An exclusive lock on a file (flock(2), which is what a share of none means here). It ends with the process that holds it, so
/// a killed run leaves none behind.
/// </summary>
public sealed class FileLock : IDisposable
{
    // EWOULDBLOCK of asm-generic/errno-base.h: what flock(2) says of a lock that somebody holds, and the runtime hands on.
    private const int WouldBlock = 11;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private readonly FileStream stream;

    private FileLock(FileStream stream) => this.stream = stream;

    /// <summary>Takes the lock, or null where somebody else holds it.</summary>
    /// <exception cref="IOException">The file cannot be opened or made: the disk is full or read-only, or there is no such
    /// folder.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be.</exception>
    public static FileLock? TryTake(string path)
    {
        try
        {
            return new(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            return null;
        }
    }

    /// <summary>Takes the lock, waiting for whoever holds it.</summary>
    public static async Task<FileLock> TakeAsync(string path, CancellationToken cancellation)
    {
        while (true)
        {
            if (TryTake(path) is { } taken)
            {
                return taken;
            }

            await Task.Delay(Pause, cancellation);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();
}
