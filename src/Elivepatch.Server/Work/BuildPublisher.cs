// In: builds that wait. Out: messages, confirmed by the broker, or the answer that nobody takes from such a queue.

using Elivepatch.Builder.Broker;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Elivepatch.Server.Work;

/// <summary>What became of a message.</summary>
internal enum Published
{
    /// <summary>The broker keeps it.</summary>
    Kept,

    /// <summary>No worker has asked for such builds lately.</summary>
    Unroutable,

    /// <summary>The broker cannot be reached, or did not confirm.</summary>
    Unconfirmed,
}

/// <summary>Sends builds to workers.</summary>
internal sealed class BuildPublisher(BrokerAddress address, ILogger<BuildPublisher> log) : IAsyncDisposable
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(10);
    private readonly SemaphoreSlim opening = new(1);
    private readonly Reachability broker = new($"the broker {address}", log);
    private IConnection? connection;
    private IChannel? channel;

    /// <summary>Sends a build.</summary>
    /// <param name="build">The build's id.</param>
    /// <param name="capability">What it asks of a worker.</param>
    /// <param name="worker">The worker that is to be asked first, or null.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Published> SendAsync(string build, string capability, string? worker, CancellationToken cancellation)
    {
        if (worker is not null && await TrySendAsync(BuildQueues.Idle, build, capability, worker, cancellation) == Published.Kept)
        {
            return Published.Kept;
        }

        return await TrySendAsync(BuildQueues.Builds, build, capability, null, cancellation);
    }

    /// <summary>
    /// How many messages wait for a capability; null where its queue is not there or the broker cannot be reached.
    /// </summary>
    public async Task<uint?> CountWaitingAsync(string capability, CancellationToken cancellation)
    {
        try
        {
            var open = await OpenAsync(cancellation);
            // The broker ends a channel that asks for what is not there: another one than that for sending.
            await using var asking = await open.Connection.CreateChannelAsync(cancellationToken: cancellation);
            return (await asking.QueueDeclarePassiveAsync(BuildQueues.OfCapability(capability), cancellation)).MessageCount;
        }
        catch (Exception e) when (BrokerFailure.IsBrokerFailure(e, cancellation))
        {
            return null;
        }
    }

    /// <summary>True where the broker can be reached.</summary>
    public async Task<bool> IsReachableAsync(CancellationToken cancellation)
    {
        try
        {
            await OpenAsync(cancellation);
            return true;
        }
        catch (Exception e) when (BrokerFailure.IsBrokerFailure(e, cancellation))
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        opening.Dispose();
    }

    private async Task<Published> TrySendAsync(
        string exchange,
        string build,
        string capability,
        string? worker,
        CancellationToken cancellation
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(patience);
        try
        {
            var open = await OpenAsync(limit.Token);
            await open.Channel.BasicPublishAsync(
                exchange,
                capability,
                mandatory: true,
                BuildMessage.CreateProperties(worker),
                BuildMessage.CreateBody(build),
                limit.Token
            );
            broker.MarkAvailable();
            return Published.Kept;
        }
        catch (PublishException e) when (e.IsReturn)
        {
            return Published.Unroutable;
        }
        catch (Exception e) when (BrokerFailure.IsBrokerFailure(e, cancellation))
        {
            broker.MarkUnavailable(BrokerFailure.Describe(e));
            return Published.Unconfirmed;
        }
    }

    private async Task<(IConnection Connection, IChannel Channel)> OpenAsync(CancellationToken cancellation)
    {
        await opening.WaitAsync(cancellation);
        try
        {
            if (connection is { IsOpen: true } && channel is { IsOpen: true })
            {
                return (connection, channel);
            }

            await CloseAsync();
            connection = await address.ConnectAsync("elivepatchd server", cancellation);
            channel = await connection.CreateChannelAsync(
                new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true),
                cancellation
            );
            await BuildQueues.DeclareAsync(channel, cancellation);
            return (connection, channel);
        }
        finally
        {
            opening.Release();
        }
    }

    // What is left of a connection that was lost; a broker that does not answer does not hear of its end either.
    private async Task CloseAsync()
    {
        var lost = connection;
        (connection, channel) = (null, null);
        try
        {
            if (lost is not null)
            {
                await lost.DisposeAsync();
            }
        }
        catch (Exception e) when (BrokerFailure.IsBrokerFailure(e, CancellationToken.None))
        {
            // It is gone in any case.
        }
    }
}
