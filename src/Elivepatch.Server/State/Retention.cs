// In: the settings. Out: what is kept no longer than they say: entries of the audit log, builds, machines that are silent, parts
// of tokens that have ended, and contents that nothing refers to. Each step stands by itself: one that is killed half way is done
// at the next time.

using System.Data.Common;
using Elivepatch.Server.Configuration;

namespace Elivepatch.Server.State;

/// <summary>Removes what is old.</summary>
internal sealed partial class Retention(
    AuditTable audit,
    BuildTable builds,
    MachineTable machines,
    KernelTable kernels,
    BlobStore blobs,
    Database database,
    BuildCache answers,
    ServerOptions options,
    TimeProvider clock,
    ILogger<Retention> log
) : BackgroundService
{
    private static readonly TimeSpan afterStart = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan interval = TimeSpan.FromHours(1);

    /// <summary>Removes once.</summary>
    public async Task RunOnceAsync(CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        try
        {
            await audit.RemoveOldAsync(now.AddDays(-options.AuditDays), cancellation);
            if (
                options.BuildDays > 0
                && await builds.RemoveUnusedAsync(now.AddDays(-options.BuildDays), cancellation) is > 0 and var count
            )
            {
                answers.Clear();
                LogRemoved(log, count, options.BuildDays);
            }

            await machines.RemoveOldAsync(now.AddDays(-options.MachineDays), cancellation);
            await kernels.RemovePartsOfEndedTokensAsync(now, cancellation);
            await blobs.RemoveUnwantedAsync(database, cancellation);
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
        {
            LogFailed(log, e);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var timer = new MonotonicTimer(clock);
        try
        {
            for (var wait = afterStart; ; wait = interval)
            {
                if (await timer.WaitAsync(wait, stoppingToken))
                {
                    await RunOnceAsync(stoppingToken);
                }
                else
                {
                    LogJump(log);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{count} builds were removed: unused for {days} days")]
    private static partial void LogRemoved(ILogger logger, int count, int days);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "the clock jumped: nothing is removed for its age before it goes evenly again"
    )]
    private static partial void LogJump(ILogger logger);

    [LoggerMessage(Level = LogLevel.Error, Message = "what is old could not be removed")]
    private static partial void LogFailed(ILogger logger, Exception e);
}
