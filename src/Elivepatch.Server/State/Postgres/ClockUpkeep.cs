using System.Data.Common;

namespace Elivepatch.Server.State.Postgres;

/// <summary>Asks the database for its time, again and again: both clocks may be set, and none goes quite right.</summary>
internal sealed partial class ClockUpkeep(DatabaseClock clock, ILogger<ClockUpkeep> log) : BackgroundService
{
    private static readonly TimeSpan interval = TimeSpan.FromSeconds(10);

    // What people would notice in a log.
    private static readonly TimeSpan notable = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        LogFar();
        using var timer = new PeriodicTimer(interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await SetAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    private async Task SetAsync(CancellationToken cancellation)
    {
        var before = clock.Ahead;
        try
        {
            await clock.SetAsync(cancellation);
            if ((clock.Ahead - before).Duration() > notable)
            {
                LogFar();
            }
        }
        catch (Exception e) when (e is DbException or IOException)
        {
            // Requests say that the database is away; this machine's clock goes on.
        }
    }

    private void LogFar()
    {
        if (clock.Ahead.Duration() > notable)
        {
            LogDifference(clock.Ahead.TotalSeconds);
        }
    }

    [LoggerMessage(LogLevel.Warning, "this machine's clock and the database's differ by {Seconds:0.0} s; the database's counts")]
    private partial void LogDifference(double seconds);
}
