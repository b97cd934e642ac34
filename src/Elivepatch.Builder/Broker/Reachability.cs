namespace Elivepatch.Builder.Broker;

/// <summary>Whether another side answers, as those know who talk to it. The log has when that changes, not each try.</summary>
/// <param name="name">What the log calls it.</param>
/// <param name="log">The log.</param>
public sealed partial class Reachability(string name, ILogger log)
{
    private string? reason;

    /// <summary>Why it cannot be used; null where it can, as far as is known.</summary>
    public string? UnavailableReason => Volatile.Read(ref reason);

    /// <summary>It could not be used.</summary>
    public void MarkUnavailable(string why)
    {
        if (Interlocked.Exchange(ref reason, why) != why)
        {
            LogLost(name, why);
        }
    }

    /// <summary>It answered.</summary>
    public void MarkAvailable()
    {
        if (Interlocked.Exchange(ref reason, null) is not null)
        {
            LogWell(name);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Name} cannot be used, and is tried again: {Reason}")]
    private partial void LogLost(string name, string reason);

    [LoggerMessage(LogLevel.Information, "{Name} can be used again")]
    private partial void LogWell(string name);
}
