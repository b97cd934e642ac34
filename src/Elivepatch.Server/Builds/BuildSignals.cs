using System.Collections.Concurrent;

namespace Elivepatch.Server.Builds;

/// <summary>
/// What intake tells the dispatcher of the same process at once. The database says the same things, later: nothing is lost where
/// nobody hears a signal.
/// </summary>
public sealed class BuildSignals : IDisposable
{
    private readonly SemaphoreSlim queued = new(0);
    private readonly ConcurrentDictionary<string, CancellationTokenSource> running = new(StringComparer.Ordinal);

    /// <summary>A build waits.</summary>
    public void NotifyQueued() => queued.Release();

    /// <summary>Somebody wants a running build to end.</summary>
    public void NotifyCancelled(string build)
    {
        if (!running.TryGetValue(build, out var source))
        {
            return;
        }

        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended by itself.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => queued.Dispose();

    /// <summary>Waits until a build waits, or for a while.</summary>
    internal Task WaitAsync(TimeSpan longest, CancellationToken cancellation) => queued.WaitAsync(longest, cancellation);

    /// <summary>Lets a build be cancelled until it has ended.</summary>
    internal void Begin(string build, CancellationTokenSource source) => running[build] = source;

    /// <summary>The build has ended.</summary>
    internal void End(string build) => running.TryRemove(build, out _);
}
