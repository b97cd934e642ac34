using System.Data.Common;

namespace Elivepatch.Server.State.Postgres;

/// <summary>Removes contents that nothing came to refer to, and files that this machine has not used for long.</summary>
internal sealed partial class BlobSweep(PostgresBlobs blobs, TimeProvider clock, ILogger<BlobSweep> log) : BackgroundService
{
    private static readonly TimeSpan interval = TimeSpan.FromHours(6);

    // No upload takes longer from its first byte to the row that refers to it.
    private static readonly TimeSpan unwanted = TimeSpan.FromDays(1);

    // No build takes longer.
    private static readonly TimeSpan unused = TimeSpan.FromDays(7);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var timer = new MonotonicTimer(clock);
        try
        {
            while (true)
            {
                if (await timer.WaitAsync(interval, stoppingToken))
                {
                    await SweepAsync(stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    private async Task SweepAsync(CancellationToken cancellation)
    {
        try
        {
            var now = clock.GetUtcNow();
            await blobs.SweepAsync(now - unwanted, now - unused, cancellation);
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
        {
            LogFailed(log, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "unused content could not be removed")]
    private static partial void LogFailed(ILogger logger, Exception e);
}
