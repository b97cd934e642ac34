[assembly: AssemblyFixture(typeof(Elivepatch.Server.Tests.SharedBroker))]

namespace Elivepatch.Server.Tests;

/// <summary>
/// The RabbitMQ that the tests of a run share, started where one needs it; each test has a virtual host of its own.
/// </summary>
public sealed class SharedBroker : IAsyncDisposable
{
    private readonly Lazy<Task<RabbitBroker>> broker = new(() => RabbitBroker.StartAsync());

    internal Task<RabbitBroker> BrokerAsync() => broker.Value;

    /// <summary>The address of a virtual host, as an operator writes it.</summary>
    public async Task<string> NewHostAsync() => (await broker.Value).NewHost();

    public async ValueTask DisposeAsync()
    {
        if (broker.IsValueCreated)
        {
            await (await broker.Value).DisposeAsync();
        }
    }
}
