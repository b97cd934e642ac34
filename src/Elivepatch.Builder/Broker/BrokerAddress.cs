using Elivepatch.Model;
using RabbitMQ.Client;

namespace Elivepatch.Builder.Broker;

/// <summary>Where the broker is, and who one is there.</summary>
public sealed class BrokerAddress
{
    private static readonly TimeSpan heartbeat = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(10);

    private readonly Uri url;

    private BrokerAddress(Uri url) => this.url = url;

    /// <summary>Reads <c>amqp://USER:PASSWORD@HOST[:PORT][/VHOST]</c> or <c>amqps</c>, as RabbitMQ writes them.</summary>
    public static Outcome<BrokerAddress> Parse(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("amqp" or "amqps") || url.Host.Length == 0)
        {
            return new Problem(
                BuilderProblems.ConfigurationInvalid,
                "it is not an amqp or amqps URL (write amqp://user:password@host:5672/vhost)"
            );
        }

        if (url.Query.Length > 0 || url.Fragment.Length > 0 || url.Segments.Length > 2)
        {
            return new Problem(BuilderProblems.ConfigurationInvalid, "it has more than user, host, port and vhost");
        }

        return new BrokerAddress(url);
    }

    /// <summary>
    /// Connects. What is lost with a connection is found again by whoever lost it, so nothing is recovered by itself.
    /// </summary>
    /// <param name="name">What the broker's operator sees.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="RabbitMQ.Client.Exceptions.BrokerUnreachableException">There is no broker, or it does not know
    /// us.</exception>
    public Task<IConnection> ConnectAsync(string name, CancellationToken cancellation)
    {
        var factory = new ConnectionFactory
        {
            Uri = url,
            ClientProvidedName = name,
            AutomaticRecoveryEnabled = false,
            TopologyRecoveryEnabled = false,
            RequestedHeartbeat = heartbeat,
            RequestedConnectionTimeout = patience,
            ContinuationTimeout = patience,
        };
        return factory.CreateConnectionAsync(cancellation);
    }

    /// <summary>The address without what is secret of it.</summary>
    public override string ToString() => $"{url.Scheme}://{url.Authority}{url.AbsolutePath}";
}
