// In: messages whose workers died too often. Out: those builds as failed, once their last worker is not heard of any more. The
// database counts how often a build was begun; a message that came back for another reason is sent again.

using System.Data.Common;
using Elivepatch.Builder.Broker;
using Elivepatch.Builder.Workers;
using Elivepatch.Server.State;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Elivepatch.Server.Work;

/// <summary>Ends builds that end their workers.</summary>
internal sealed partial class DeadLetterBuilds(
    BrokerAddress address,
    BuildTable builds,
    KernelTable kernels,
    BrokerDispatch dispatch,
    WorkPolicy policy,
    ILogger<DeadLetterBuilds> log
) : BackgroundService
{
    private const ushort AtOnce = 32;
    private static readonly TimeSpan pause = TimeSpan.FromSeconds(1);
    private readonly string self = WorkerId.New();
    private readonly Reachability broker = new($"the broker {address}", log);

    /// <summary>Why the broker cannot be used; null where it can. Builds wait until then.</summary>
    public string? UnavailableReason => broker.UnavailableReason;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(stoppingToken);
            }
            catch (Exception e) when (BrokerFailure.IsBrokerFailure(e, stoppingToken))
            {
                broker.MarkUnavailable(BrokerFailure.Describe(e));
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListenAsync(CancellationToken stopping)
    {
        await using var connection = await address.ConnectAsync("elivepatchd server, dead builds", stopping);
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(false, false, consumerDispatchConcurrency: AtOnce),
            stopping
        );
        await BuildQueues.DeclareAsync(channel, stopping);
        await channel.BasicQosAsync(0, AtOnce, global: false, stopping);
        var closed = new TaskCompletionSource();
        channel.ChannelShutdownAsync += (_, _) =>
        {
            closed.TrySetResult();
            return Task.CompletedTask;
        };
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, message) => TakeAsync(channel, message, stopping);
        await channel.BasicConsumeAsync(BuildQueues.Dead, autoAck: false, consumer, stopping);
        broker.MarkAvailable();
        await closed.Task.WaitAsync(stopping);
        broker.MarkUnavailable("it ended the connection");
    }

    private async Task TakeAsync(IChannel channel, BasicDeliverEventArgs message, CancellationToken stopping)
    {
        try
        {
            if (BuildMessage.Read(message.Body) is { } build)
            {
                await EndAsync(build, stopping);
            }

            await channel.BasicAckAsync(message.DeliveryTag, multiple: false, stopping);
        }
        catch (DbException e)
        {
            LogFailed(e);
            await Task.Delay(pause, stopping);
            await channel.BasicNackAsync(message.DeliveryTag, multiple: false, requeue: true, stopping);
        }
        catch (Exception e) when (BrokerFailure.IsBrokerFailure(e, CancellationToken.None))
        {
            // The message comes again.
        }
    }

    private async Task EndAsync(string id, CancellationToken cancellation)
    {
        var (taking, build) = await builds.BeginAsync(id, self, policy.HeldFor, policy.MostAttempts, cancellation);
        while (taking == BuildTaking.Held)
        {
            await Task.Delay(pause, cancellation);
            (taking, build) = await builds.BeginAsync(id, self, policy.HeldFor, policy.MostAttempts, cancellation);
        }

        if (taking == BuildTaking.Over)
        {
            LogEnded(id, build?.State.ToString() ?? "unknown");
            return;
        }

        // It was begun less often than its message came: it waits on.
        await builds.RequeueAsync(build!.Lease, cancellation);
        if (await kernels.FindAsync(build.Kernel, KernelTable.Operator, cancellation) is { } kernel)
        {
            await dispatch.SendAsync(build, kernel, cancellation);
        }
    }

    [LoggerMessage(LogLevel.Warning, "build {Id} ended its workers; it is {State}")]
    private partial void LogEnded(string id, string state);

    [LoggerMessage(LogLevel.Error, "the database cannot be used")]
    private partial void LogFailed(Exception e);
}
