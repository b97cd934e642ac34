// The queues at the broker. A build's message goes to the queue of its capability, from which every worker that has it takes; or
// first to the queue of one worker that has the kernel prepared and nothing to do, from which it goes on at once where that
// worker does not take it. A message says that a build waits: it names one, by which its kernel's compiler is known, and whoever
// has the message is given the build whose turn it is (Server/State/BuildTable.Turns). How builds stand is in the database, and a
// message too many or a lost one does no harm.
//
//   server --> elivepatch.builds  (direct)  --> elivepatch.build.CAPABILITY --> workers --(died too often)--> elivepatch.dead -->
// servers
//          \-> elivepatch.idle    (headers) --> elivepatch.worker.ID        --> that worker --(not taken)--> elivepatch.builds

using RabbitMQ.Client;

namespace Elivepatch.Builder.Broker;

/// <summary>Exchanges and queues.</summary>
public static class BuildQueues
{
    /// <summary>Routes by capability.</summary>
    public const string Builds = "elivepatch.builds";

    /// <summary>Routes to one worker, by the header <see cref="WorkerHeader"/>; the routing key stays the capability.</summary>
    public const string Idle = "elivepatch.idle";

    /// <summary>Where messages end whose workers died.</summary>
    public const string Dead = "elivepatch.dead";

    /// <summary>Names the worker.</summary>
    public const string WorkerHeader = "worker";

    // A message comes back once more than this.
    private const int MostReturns = 2;

    // How long a queue stays that nobody takes from: time to start a worker again. Then builds for it are refused.
    private static readonly TimeSpan unused = TimeSpan.FromMinutes(10);

    // Longer than a worker takes to answer, and nothing beside a build.
    private static readonly TimeSpan preference = TimeSpan.FromMilliseconds(400);

    /// <summary>The queue of a capability.</summary>
    public static string OfCapability(string capability) => $"elivepatch.build.{capability}";

    /// <summary>The queue of a worker.</summary>
    public static string OfWorker(string worker) => $"elivepatch.worker.{worker}";

    /// <summary>Makes what servers and workers share.</summary>
    public static async Task DeclareAsync(IChannel channel, CancellationToken cancellation)
    {
        await channel.ExchangeDeclareAsync(
            Builds,
            ExchangeType.Direct,
            durable: true,
            autoDelete: false,
            cancellationToken: cancellation
        );
        await channel.ExchangeDeclareAsync(
            Idle,
            ExchangeType.Headers,
            durable: true,
            autoDelete: false,
            cancellationToken: cancellation
        );
        await channel.ExchangeDeclareAsync(
            Dead,
            ExchangeType.Fanout,
            durable: true,
            autoDelete: false,
            cancellationToken: cancellation
        );
        await DeclareQueueAsync(channel, Dead, [], cancellation);
        await channel.QueueBindAsync(Dead, Dead, "", cancellationToken: cancellation);
    }

    /// <summary>Makes the queue of a capability.</summary>
    public static async Task DeclareCapabilityAsync(IChannel channel, string capability, CancellationToken cancellation)
    {
        var queue = OfCapability(capability);
        await DeclareQueueAsync(
            channel,
            queue,
            new()
            {
                ["x-expires"] = (int)unused.TotalMilliseconds,
                ["x-delivery-limit"] = MostReturns,
                ["x-dead-letter-exchange"] = Dead,
            },
            cancellation
        );
        await channel.QueueBindAsync(queue, Builds, capability, cancellationToken: cancellation);
    }

    /// <summary>
    /// Makes the queue of a worker. It outlives the worker for a while, so that what is in it goes on to others.
    /// </summary>
    public static async Task DeclareWorkerAsync(IChannel channel, string worker, CancellationToken cancellation)
    {
        var queue = OfWorker(worker);
        await DeclareQueueAsync(
            channel,
            queue,
            new()
            {
                ["x-expires"] = (int)unused.TotalMilliseconds,
                ["x-message-ttl"] = (int)preference.TotalMilliseconds,
                ["x-dead-letter-exchange"] = Builds,
            },
            cancellation
        );
        await channel.QueueBindAsync(
            queue,
            Idle,
            "",
            new Dictionary<string, object?> { ["x-match"] = "all", [WorkerHeader] = worker },
            cancellationToken: cancellation
        );
    }

    // Quorum queues keep what was confirmed, also where a broker of several is lost.
    private static Task<QueueDeclareOk> DeclareQueueAsync(
        IChannel channel,
        string name,
        Dictionary<string, object?> arguments,
        CancellationToken cancellation
    )
    {
        arguments["x-queue-type"] = "quorum";
        return channel.QueueDeclareAsync(
            name,
            durable: true,
            exclusive: false,
            autoDelete: false,
            arguments: arguments,
            cancellationToken: cancellation
        );
    }
}
