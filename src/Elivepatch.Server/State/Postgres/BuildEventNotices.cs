// In: notices of PostgreSQL that a build has new events, whichever server wrote them. Out: those who follow the build here look
// at once. A notice that is lost costs a second: who follows a build looks that often by itself.

using System.Data.Common;

namespace Elivepatch.Server.State.Postgres;

/// <summary>Hears of events that other servers wrote.</summary>
internal sealed partial class BuildEventNotices(
    PostgresDatabase database,
    BuildEventTable events,
    TimeProvider clock,
    ILogger<BuildEventNotices> log
) : BackgroundService
{
    /// <summary>The channel on which all servers are told which build has something new.</summary>
    public const string Channel = "elivepatch_events";

    // Where nothing is heard for so long, it is asked whether the connection still is one.
    private static readonly TimeSpan silence = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan pause = TimeSpan.FromSeconds(2);
    private bool isLost;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is DbException or IOException or ObjectDisposedException)
            {
                if (!isLost)
                {
                    LogLost(log, e.Message);
                }

                isLost = true;
            }

            await Task.Delay(pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListenAsync(CancellationToken cancellation)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancellation);
        connection.Notification += (_, notice) => events.Announce(notice.Payload);
        await using (var listen = connection.CreateCommand())
        {
            listen.CommandText = $"LISTEN {Channel}";
            await listen.ExecuteNonQueryAsync(cancellation);
        }

        isLost = false;
        // What happened while nobody listened.
        events.AnnounceAll();
        while (true)
        {
            if (await connection.WaitAsync(silence, cancellation))
            {
                continue;
            }

            await using var ask = connection.CreateCommand();
            ask.CommandText = "SELECT 1";
            await ask.ExecuteNonQueryAsync(cancellation);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "the database does not tell of events for now: {reason}")]
    private static partial void LogLost(ILogger logger, string reason);
}
