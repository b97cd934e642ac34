using System.Data.Common;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Security;

/// <summary>Forgets entries of the audit log that are older than they are kept, once a day.</summary>
internal sealed partial class AuditRetention(
    AuditTable audit, ServerOptions options, TimeProvider clock, ILogger<AuditRetention> log) : BackgroundService
{
    private static readonly TimeSpan interval = TimeSpan.FromDays(1);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval, clock);
        try
        {
            do
                await ForgetAsync(stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    private async Task ForgetAsync(CancellationToken cancellation)
    {
        try
        {
            await audit.ForgetAsync(clock.GetUtcNow().AddDays(-options.AuditDays), cancellation);
        }
        catch (Exception e) when (e is DbException or IOException)
        {
            LogFailed(log, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "old entries of the audit log could not be removed")]
    private static partial void LogFailed(ILogger logger, Exception e);
}
