// In: a clock that people and time servers set. Out: when something may be forgotten for its age. A clock that was wrong by a
// year for an hour must not cost a year of what was to be kept: after a jump nothing is forgotten until the clock has gone evenly
// again.

namespace Elivepatch.Server.State;

/// <summary>Waits, and says whether the clock went evenly meanwhile.</summary>
internal sealed class MonotonicTimer(TimeProvider clock)
{
    // Less is a clock that is being corrected.
    private static readonly TimeSpan tolerance = TimeSpan.FromMinutes(10);

    /// <summary>Waits.</summary>
    /// <param name="time">How long.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>False where the clock jumped, in either direction.</returns>
    public async Task<bool> WaitAsync(TimeSpan time, CancellationToken cancellation)
    {
        var (shown, start) = (clock.GetUtcNow(), clock.GetTimestamp());
        await Task.Delay(time, clock, cancellation);
        return (clock.GetUtcNow() - shown - clock.GetElapsedTime(start)).Duration() < tolerance;
    }
}
