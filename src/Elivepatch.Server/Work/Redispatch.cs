// In: the state. Out: messages for builds that wait and have none: those that were taken in while the broker was away, those
// whose messages it lost, and those whose worker is not heard of any more. A message too many does no harm, so several servers
// may do this.

using System.Data.Common;
using Elivepatch.Builder.Workers;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Work;

/// <summary>Sends builds again whose messages are gone.</summary>
internal sealed partial class Redispatch(
    BuildTable builds,
    KernelTable kernels,
    WorkerTable workers,
    BrokerDispatch dispatch,
    BuildPublisher publisher,
    WorkPolicy policy,
    TimeProvider clock,
    ILogger<Redispatch> log
) : BackgroundService
{
    private const int MostAtOnce = 1000;

    // The messages of what was just taken in are still on their way.
    private static readonly TimeSpan onTheWay = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(policy.HeldFor / 2, stoppingToken);
                await CheckAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    private async Task CheckAsync(CancellationToken cancellation)
    {
        try
        {
            await workers.RemoveOldAsync(cancellation);
            // The broker gives what a dead worker had to another one, which waits until the lease is over; this is for what it
            // lost.
            foreach (var id in await builds.RequeueInterruptedAsync(policy.HeldFor * 2, cancellation))
            {
                LogSilent(id);
            }

            var queued = await builds.ListAsync(BuildState.Queued, null, MostAtOnce, cancellation);
            foreach (var ofKernel in queued.Where(b => b.Submitted < clock.GetUtcNow() - onTheWay).GroupBy(b => b.Kernel))
            {
                await SendAsync(ofKernel.Key, [.. ofKernel.OrderBy(b => b.Submitted)], cancellation);
            }
        }
        catch (DbException e)
        {
            LogFailed(e);
        }
    }

    private async Task SendAsync(string kernelId, List<StoredBuild> waiting, CancellationToken cancellation)
    {
        if (
            await kernels.FindAsync(kernelId, KernelTable.Operator, cancellation) is not { } kernel
            || !await publisher.IsReachableAsync(cancellation)
        )
        {
            return;
        }
        // As long as messages wait, so do these builds: workers are busy, and nothing is lost.
        if (await publisher.CountWaitingAsync(Capability.Of(kernel.Machine, kernel.Compiler), cancellation) > 0)
        {
            return;
        }

        foreach (var build in waiting)
        {
            LogAgain(build.Id);
            await dispatch.SendAsync(build, kernel, cancellation);
        }
    }

    [LoggerMessage(LogLevel.Warning, "build {Id} waits again: its worker has stopped reporting")]
    private partial void LogSilent(string id);

    [LoggerMessage(LogLevel.Information, "build {Id} is sent again")]
    private partial void LogAgain(string id);

    [LoggerMessage(LogLevel.Error, "the database cannot be used")]
    private partial void LogFailed(Exception e);
}
