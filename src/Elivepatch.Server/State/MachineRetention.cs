using System.Data.Common;
using Elivepatch.Server.Configuration;

namespace Elivepatch.Server.State;

/// <summary>Forgets machines that have not reported for longer than they are kept, once an hour.</summary>
internal sealed partial class MachineRetention(
    MachineTable machines, ServerOptions options, TimeProvider clock, ILogger<MachineRetention> log) : BackgroundService
{
    private static readonly TimeSpan interval = TimeSpan.FromHours(1);

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
            await machines.ForgetAsync(clock.GetUtcNow().AddDays(-options.MachineDays), cancellation);
        }
        catch (Exception e) when (e is DbException or IOException)
        {
            LogFailed(log, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "machines that are silent could not be forgotten")]
    private static partial void LogFailed(ILogger logger, Exception e);
}
