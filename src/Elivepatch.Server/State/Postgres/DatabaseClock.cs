// In: PostgreSQL's clock and this machine's. Out: one time for all servers of the database. Who holds a build, and which build
// waits longest, is said by times that one server writes and another reads: they may come from one clock only.

using System.Data.Common;
using Dapper;
using Npgsql;

namespace Elivepatch.Server.State.Postgres;

/// <summary>
/// The time that the database has. Between two looks at it, this machine's clock goes on; its timers are the machine's own.
/// </summary>
internal sealed class DatabaseClock(TimeProvider own, NpgsqlDataSource database) : TimeProvider
{
    // An answer that took longer says too little about the time: half of it may be wrong.
    private static readonly TimeSpan slowest = TimeSpan.FromSeconds(1);
    private long ahead;

    /// <summary>How far the database's clock is ahead of this machine's; negative where it is behind.</summary>
    public TimeSpan Ahead => new(Volatile.Read(ref ahead));

    /// <inheritdoc/>
    public override long TimestampFrequency => own.TimestampFrequency;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => own.LocalTimeZone;

    /// <summary>Asks the database for its time.</summary>
    /// <exception cref="DbException">It cannot be asked.</exception>
    public async Task SetAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var asked = own.GetTimestamp();
        var there = await connection.QuerySingleAsync<DateTime>(
            new CommandDefinition("SELECT clock_timestamp()", cancellationToken: cancellation)
        );
        var took = own.GetElapsedTime(asked);
        if (took < slowest)
        {
            Volatile.Write(ref ahead, (there + (took / 2) - own.GetUtcNow().UtcDateTime).Ticks);
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => own.GetUtcNow() + Ahead;

    /// <inheritdoc/>
    public override long GetTimestamp() => own.GetTimestamp();

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        own.CreateTimer(callback, state, dueTime, period);
}
