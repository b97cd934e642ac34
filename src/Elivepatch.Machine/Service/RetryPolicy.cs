namespace Elivepatch.Machine.Service;

/// <summary>How a client waits.</summary>
/// <param name="Time">The clock.</param>
/// <param name="Pause">How long to wait before something is asked for again, the first time.</param>
/// <param name="OnWait">Told how long the server asks to wait, and null when the wait is over.</param>
public sealed record RetryPolicy(TimeProvider Time, TimeSpan Pause, Action<TimeSpan?> OnWait);
