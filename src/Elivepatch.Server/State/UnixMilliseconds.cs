namespace Elivepatch.Server.State;

/// <summary>Times as the database has them: milliseconds since 1970, UTC.</summary>
internal static class UnixMilliseconds
{
    /// <summary>From a time.</summary>
    public static long From(DateTimeOffset time) => time.ToUnixTimeMilliseconds();

    /// <summary>To a time.</summary>
    public static DateTimeOffset To(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    /// <summary>To a time, where there is one.</summary>
    public static DateTimeOffset? To(long? milliseconds) => milliseconds is { } value ? To(value) : null;
}
