// In: messages of the broker. Out: builds that run, and messages that are acknowledged once the build's end is told to a server.
// One loop does everything in turn: what arrives, what ends, what the connection does. A connection that is lost takes its
// messages with it; the builds go on, and their messages come again: those of what runs here are taken to what runs.

using System.Collections.Concurrent;
using System.Threading.Channels;
using Elivepatch.Builder.Broker;
using Elivepatch.Protocol.Api;
using RabbitMQ.Client;

namespace Elivepatch.Builder.Workers;

/// <summary>Runs one build: the id of one that waits, what to tell when one is begun, and what ends it.</summary>
internal delegate Task<Settled> RunWork(
    string told,
    Action<AssignedBuild> begun,
    CancellationToken ended,
    CancellationToken stopping
);

/// <summary>Takes builds from the broker, as many at once as the worker runs.</summary>
internal sealed partial class BuildConsumer(
    BrokerAddress address,
    string worker,
    IReadOnlyList<string> atStart,
    int builders,
    RunWork run,
    ILogger<BuildConsumer> log
)
{
    private static readonly TimeSpan pause = TimeSpan.FromSeconds(1);

    private readonly List<string> capabilities = [.. atStart];
    private readonly Reachability broker = new($"the broker {address}", log);
    private readonly Channel<object> mailbox = Channel.CreateUnbounded<object>(new() { SingleReader = true });

    // By the build that their message names, which need not be the one that was given for it.
    private readonly ConcurrentDictionary<string, RunningBuild> running = new(StringComparer.Ordinal);

    /// <summary>The builds that are ours now.</summary>
    public IReadOnlyList<AssignedBuild> Running => [.. running.Values.Select(r => r.Hold).OfType<AssignedBuild>()];

    /// <summary>Ends a build that the server does not want (from here) any more.</summary>
    public void Cancel(string build)
    {
        foreach (var found in running.Values.Where(r => r.Hold?.Build == build))
        {
            found.End();
        }
    }

    /// <summary>Takes builds for these as well, from now on.</summary>
    public void Extend(IReadOnlyList<string> more) => mailbox.Writer.TryWrite(new Extended(more));

    /// <summary>Takes builds until the worker stops, and gives back what runs then.</summary>
    /// <param name="ready">Told when it begins to take builds.</param>
    /// <param name="stopping">Stops it.</param>
    public async Task RunAsync(Action ready, CancellationToken stopping)
    {
        var isReady = false;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await using var link = await OpenAsync(stopping);
                LogConnected(address.ToString());
                broker.MarkAvailable();
                if (!isReady)
                {
                    ready();
                }

                isReady = true;
                try
                {
                    await ServeAsync(link, stopping);
                }
                catch (OperationCanceledException) when (stopping.IsCancellationRequested)
                {
                    // What runs is given back first: then whoever gets its message can begin at once.
                    await EndAllAsync(link);
                }
            }
            catch (Exception e) when (BrokerFailure.IsBrokerFailure(e, stopping))
            {
                broker.MarkUnavailable(BrokerFailure.Describe(e));
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                break;
            }

            await Task.Delay(pause, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll(running.Values.Select(r => r.Task));
    }

    private async Task<Link> OpenAsync(CancellationToken cancellation)
    {
        var connection = await address.ConnectAsync($"elivepatchd worker {worker}", cancellation);
        try
        {
            var channel = await connection.CreateChannelAsync(cancellationToken: cancellation);
            var link = new Link(connection, channel);
            channel.ChannelShutdownAsync += (_, _) => TellClosedAsync(link);
            await BuildQueues.DeclareAsync(channel, cancellation);
            foreach (var capability in capabilities)
            {
                await BuildQueues.DeclareCapabilityAsync(channel, capability, cancellation);
            }

            await BuildQueues.DeclareWorkerAsync(channel, worker, cancellation);
            await channel.BasicQosAsync(0, (ushort)builders, global: false, cancellation);
            await channel.BasicConsumeAsync(
                BuildQueues.OfWorker(worker),
                autoAck: false,
                new Consumer(link, mailbox.Writer, isDirect: true),
                cancellation
            );
            return link;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task ServeAsync(Link link, CancellationToken stopping)
    {
        while (link.IsOpen)
        {
            // A worker that is busy leaves what waits to the others.
            if (running.Count < builders != link.IsConsuming)
            {
                await (link.IsConsuming ? link.PauseAsync(stopping) : ConsumeAsync(link, stopping));
            }

            switch (await mailbox.Reader.ReadAsync(stopping))
            {
                case Arrived arrived when arrived.Link == link:
                    await TakeAsync(arrived, stopping);
                    break;
                case Finished finished:
                    await SettleAsync(finished, link);
                    break;
                case Extended extended:
                    await ExtendAsync(extended.More, link, stopping);
                    break;
                case Closed closed when closed.Link == link:
                    return;
            }
        }
    }

    private async Task ConsumeAsync(Link link, CancellationToken cancellation)
    {
        foreach (var capability in capabilities)
        {
            link.Tags.Add(
                await link.Channel.BasicConsumeAsync(
                    BuildQueues.OfCapability(capability),
                    autoAck: false,
                    new Consumer(link, mailbox.Writer, isDirect: false),
                    cancellation
                )
            );
        }
    }

    private async Task ExtendAsync(IReadOnlyList<string> more, Link link, CancellationToken cancellation)
    {
        List<string> added = [.. more.Except(capabilities)];
        // Whatever happens to this connection, the next one has them.
        capabilities.AddRange(added);
        foreach (var capability in added)
        {
            await BuildQueues.DeclareCapabilityAsync(link.Channel, capability, cancellation);
        }

        if (added.Count > 0 && link.IsConsuming)
        {
            await link.PauseAsync(cancellation);
        }
    }

    private async Task TakeAsync(Arrived arrived, CancellationToken stopping)
    {
        if (arrived.Build is not { } build)
        {
            // Nobody of ours has sent that.
            await arrived.Link.Channel.BasicAckAsync(arrived.Tag, multiple: false, stopping);
            return;
        }

        if (running.TryGetValue(build, out var found))
        {
            found.Message = arrived;
        }
        else if (running.Count >= builders)
        {
            // From our own queue it goes on to all others, and back to theirs.
            await arrived.Link.Channel.BasicNackAsync(arrived.Tag, multiple: false, requeue: !arrived.IsDirect, stopping);
        }
        else
        {
            var begun = new RunningBuild { Message = arrived };
            running[build] = begun;
            begun.Task = Task.Run(() => RunAsync(build, begun, stopping), CancellationToken.None);
        }
    }

    private async Task RunAsync(string build, RunningBuild begun, CancellationToken stopping)
    {
        var settled = Settled.Returned;
        try
        {
            settled = await run(build, hold => begun.Hold = hold, begun.Ended, stopping);
        }
        catch (Exception e)
        {
            LogBroken(e, build);
        }
        finally
        {
            mailbox.Writer.TryWrite(new Finished(build, settled));
        }
    }

    private async Task SettleAsync(Finished finished, Link link)
    {
        if (!running.TryRemove(finished.Build, out var ended))
        {
            return;
        }

        using (ended)
        {
            if (ended.Message.Link != link)
            {
                return;
            }

            if (finished.Settled == Settled.Done)
            {
                await link.Channel.BasicAckAsync(ended.Message.Tag, multiple: false);
            }
            else
            {
                await link.Channel.BasicNackAsync(ended.Message.Tag, multiple: false, requeue: true);
            }
        }
    }

    private async Task EndAllAsync(Link link)
    {
        await Task.WhenAll(running.Values.Select(r => r.Task));
        while (mailbox.Reader.TryRead(out var happened))
        {
            if (happened is Finished finished)
            {
                await SettleAsync(finished, link);
            }
        }
    }

    private Task TellClosedAsync(Link link)
    {
        mailbox.Writer.TryWrite(new Closed(link));
        return Task.CompletedTask;
    }

    [LoggerMessage(LogLevel.Information, "takes builds from {Address}")]
    private partial void LogConnected(string address);

    [LoggerMessage(LogLevel.Error, "build {Id} broke")]
    private partial void LogBroken(Exception e, string id);

    /// <summary>A message came.</summary>
    private sealed record Arrived(Link Link, ulong Tag, string? Build, bool IsDirect);

    /// <summary>A build came to its end here.</summary>
    private sealed record Finished(string Build, Settled Settled);

    /// <summary>There is more to build for.</summary>
    private sealed record Extended(IReadOnlyList<string> More);

    /// <summary>A connection is gone.</summary>
    private sealed record Closed(Link Link);

    /// <summary>A connection to the broker.</summary>
    private sealed class Link(IConnection connection, IChannel channel) : IAsyncDisposable
    {
        public IChannel Channel { get; } = channel;

        /// <summary>What is consumed from the queues of capabilities.</summary>
        public List<string> Tags { get; } = [];

        public bool IsConsuming => Tags.Count > 0;

        public bool IsOpen => Channel.IsOpen;

        public async Task PauseAsync(CancellationToken cancellation)
        {
            foreach (var tag in Tags)
            {
                await Channel.BasicCancelAsync(tag, noWait: false, cancellation);
            }

            Tags.Clear();
        }

        public async ValueTask DisposeAsync()
        {
            await Channel.DisposeAsync();
            await connection.DisposeAsync();
        }
    }

    private sealed class RunningBuild : IDisposable
    {
        private readonly CancellationTokenSource ending = new();

        public required Arrived Message { get; set; }

        public AssignedBuild? Hold { get; set; }

        public Task Task { get; set; } = Task.CompletedTask;

        public CancellationToken Ended => ending.Token;

        public void End()
        {
            try
            {
                ending.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It has ended by itself.
            }
        }

        public void Dispose() => ending.Dispose();
    }

    private sealed class Consumer(Link link, ChannelWriter<object> mailbox, bool isDirect)
        : AsyncDefaultBasicConsumer(link.Channel)
    {
        public override Task HandleBasicDeliverAsync(
            string consumerTag,
            ulong deliveryTag,
            bool redelivered,
            string exchange,
            string routingKey,
            IReadOnlyBasicProperties properties,
            ReadOnlyMemory<byte> body,
            CancellationToken cancellationToken = default
        )
        {
            mailbox.TryWrite(new Arrived(link, deliveryTag, BuildMessage.Read(body), isDirect));
            return Task.CompletedTask;
        }

        // The broker ends it, as its queue was removed: everything is made anew.
        public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
        {
            mailbox.TryWrite(new Closed(link));
            return Task.CompletedTask;
        }
    }
}
