using System.Data.Common;
using Elivepatch.Model;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Signing;

/// <summary>
/// Looks, while the server runs, whether its keys are still those of the other servers: one whose folder is not shared does not
/// learn of a rotation.
/// </summary>
internal sealed partial class KeyAgreement(KeyRing keys, Database database, TimeProvider clock, ILogger<KeyAgreement> log)
    : BackgroundService
{
    private static readonly TimeSpan interval = TimeSpan.FromSeconds(10);

    /// <summary>In what the keys differ now, or null.</summary>
    public Problem? Difference { get; private set; }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await CheckAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    /// <summary>Looks now.</summary>
    internal async Task CheckAsync(CancellationToken cancellation)
    {
        try
        {
            var found = await RegisteredKeys.ReconcileAsync(keys, database, cancellation);
            if (found is not null && found != Difference)
            {
                LogDifference(log, found.Reason);
            }

            Difference = found;
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
        {
            // Requests say that the database is away, or the keys are.
        }
    }

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "this server signs with other keys than the other servers of the database (share or copy the key directory): {reason}"
    )]
    private static partial void LogDifference(ILogger logger, string reason);
}
