// In: a database that a server of older rules may have used. Out: every module that it published is settled, in the background
// and one after the other; the server answers meanwhile, and checks what is asked for first when it is asked for. Of several
// servers one does it. What remains when that one ends, another goes on with.

using System.Data.Common;
using Elivepatch.Builder.Workers;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Checks;

/// <summary>Checks published modules by the rules of today.</summary>
internal sealed partial class ArtifactAuditService(
    ArtifactAudit audit,
    BuildTable builds,
    ChoreTable chores,
    TimeProvider clock,
    ILogger<ArtifactAuditService> log
) : BackgroundService
{
    private const string Chore = "check artifacts";

    // So many at once are looked up; each renews the hold.
    private const int Page = 20;

    // A check takes seconds at most, unless the machine is stopped.
    private static readonly TimeSpan hold = TimeSpan.FromMinutes(1);

    // A server of older rules may still publish while newer ones start, and one that does it all may end.
    private static readonly TimeSpan pause = TimeSpan.FromSeconds(30);

    private readonly string me = WorkerId.New();

    /// <summary>Checks what there is, where nobody else is at it; gives how many builds it settled.</summary>
    public async Task<int> RunOnceAsync(CancellationToken cancellation)
    {
        var settled = 0;
        try
        {
            while (await builds.ListUncheckedAsync(ModuleRules.Version, Page, cancellation) is { Count: > 0 } found)
            {
                foreach (var build in found)
                {
                    if (!await chores.TakeAsync(Chore, me, hold, cancellation))
                    {
                        return settled;
                    }

                    await audit.SettleAsync(build, cancellation);
                    settled++;
                }
            }
        }
        finally
        {
            if (settled > 0)
            {
                await chores.ReleaseAsync(Chore, me, CancellationToken.None);
            }
        }

        return settled;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            // The caller is the one that starts the server.
            await Task.Yield();
            while (true)
            {
                await RunSafelyAsync(stoppingToken);
                await Task.Delay(pause, clock, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    private async Task RunSafelyAsync(CancellationToken stopping)
    {
        try
        {
            if (await RunOnceAsync(stopping) is > 0 and var settled)
            {
                LogSettled(settled, ModuleRules.Version);
            }
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
        {
            // It is gone on with, from where it broke off.
            LogFailed(e);
        }
    }

    [LoggerMessage(LogLevel.Information, "{Count} published modules were checked with rule set {Rules}")]
    private partial void LogSettled(int count, int rules);

    [LoggerMessage(LogLevel.Error, "published modules cannot be checked for now")]
    private partial void LogFailed(Exception e);
}
