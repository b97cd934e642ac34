using System.Net;
using System.Net.Sockets;
using Elivepatch.Builder.Broker;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Work;
using Microsoft.Extensions.Logging;
using static Elivepatch.Server.Tests.Waiting;

namespace Elivepatch.Server.Tests.Work;

/// <summary>What a server says of a broker that it cannot use.</summary>
public sealed class LostBrokerTests(SharedBroker shared)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_that_its_broker_does_not_know_serves_and_says_that_builds_wait()
    {
        var forged = (await shared.NewHostAsync()).Replace("word@", "other@", StringComparison.Ordinal);
        await using var server = await RunningServer.StartAsync(o => o with { Broker = BrokerAddress.Parse(forged).Value });
        await UntilAsync(async () => (await ReadyAsync(server)).Problems.Count > 0);
        var ready = await ReadyAsync(server);
        Assert.Equal("ok", ready.Status);
        Assert.Equal("the broker cannot be used, so builds wait", Assert.Single(ready.Problems));
        Assert.Contains("ACCESS_REFUSED", server.Get<DeadLetterBuilds>().UnavailableReason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_with_its_broker_is_ready_and_says_nothing_else()
    {
        var address = BrokerAddress.Parse(await shared.NewHostAsync()).Value;
        await using var server = await RunningServer.StartAsync(o => o with { Broker = address });
        Assert.Empty((await ReadyAsync(server)).Problems);
    }

    [Fact]
    public async Task The_reason_is_what_the_network_said()
    {
        using var dead = new TcpListener(IPAddress.Loopback, 0);
        dead.Start();
        var address = BrokerAddress.Parse($"amqp://user:secret@{dead.LocalEndpoint}/").Value;
        dead.Stop();
        var thrown = await Assert.ThrowsAnyAsync<Exception>(() => address.ConnectAsync("test", Cancellation));
        Assert.True(BrokerFailure.IsBrokerFailure(thrown, Cancellation));
        Assert.Contains("refused", BrokerFailure.Describe(thrown), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("secret", BrokerFailure.Describe(thrown), StringComparison.Ordinal);
    }

    [Fact]
    public void The_log_has_what_changes_and_not_each_try()
    {
        var log = new Lines();
        var broker = new Reachability("the broker", log);
        broker.MarkAvailable();
        foreach (var why in (string[])["refused", "refused", "refused", "unknown", "unknown"])
        {
            broker.MarkUnavailable(why);
        }

        Assert.Equal("unknown", broker.UnavailableReason);
        broker.MarkAvailable();
        broker.MarkAvailable();
        Assert.Null(broker.UnavailableReason);
        broker.MarkUnavailable("unknown");
        Assert.Equal(
            [
                "the broker cannot be used, and is tried again: refused",
                "the broker cannot be used, and is tried again: unknown",
                "the broker can be used again",
                "the broker cannot be used, and is tried again: unknown",
            ],
            log
        );
    }

    private static async Task<HealthView> ReadyAsync(RunningServer server) =>
        await Answered.ValueAsync<HealthView>(await server.Client.GetAsync(ApiRoutes.Ready, Cancellation));

    private sealed class Lines : List<string>, ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Add(formatter(state, exception));
    }
}
