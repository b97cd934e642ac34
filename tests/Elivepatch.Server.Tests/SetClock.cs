namespace Elivepatch.Server.Tests;

/// <summary>A clock that a test sets. Its timers are real.</summary>
internal sealed class SetClock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = new(2026, 7, 1, 12, 0, 30, TimeSpan.Zero);

    /// <summary>What has passed besides, for whoever measures: setting the clock does not change that.</summary>
    public TimeSpan Passed { get; set; }

    public override DateTimeOffset GetUtcNow() => Now;

    public override long GetTimestamp() => base.GetTimestamp() + (long)(Passed.TotalSeconds * TimestampFrequency);
}
