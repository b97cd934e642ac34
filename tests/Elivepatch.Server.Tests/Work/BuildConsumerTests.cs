using System.Collections.Concurrent;
using Elivepatch.Builder.Broker;
using Elivepatch.Builder.Workers;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Kernels;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Sqlite;
using Elivepatch.Server.Work;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using static Elivepatch.Server.Tests.Waiting;

namespace Elivepatch.Server.Tests.Work;

/// <summary>What workers and the real broker make of messages. What a build does is the test's own.</summary>
public sealed class BuildConsumerTests(SharedBroker shared) : IAsyncDisposable
{
    private const string Here = "x86_64.gcc-12.00000000";
    private readonly List<(CancellationTokenSource Stop, Task Running)> started = [];
    private BuildPublisher? publisher;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var (stop, running) in started)
        {
            await stop.CancelAsync();
            await running;
            stop.Dispose();
        }

        if (publisher is not null)
        {
            await publisher.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_build_for_which_there_is_no_worker_comes_back_at_once()
    {
        var address = await AddressAsync();
        Assert.Equal(Published.Unroutable, await publisher!.SendAsync(Id(1), Here, null, Cancellation));
        var worker = Start(address, [Here], 1, (_, _) => Task.FromResult(Settled.Done));
        await UntilAsync(async () => await publisher.SendAsync(Id(1), Here, null, Cancellation) == Published.Kept);
        Assert.Equal(Published.Unroutable, await publisher.SendAsync(Id(1), "x86_64.gcc-11.00000000", null, Cancellation));
        await UntilAsync(() => worker.Runs.Count == 1);
    }

    [Fact]
    public async Task A_worker_runs_as_many_as_it_may_and_leaves_the_rest_to_the_others()
    {
        var address = await AddressAsync();
        var release = new TaskCompletionSource();
        async Task<Settled> HoldAsync(string build, CancellationToken ended)
        {
            await release.Task.WaitAsync(Cancellation);
            return Settled.Done;
        }

        var one = Start(address, [Here], 2, HoldAsync);
        await SendAsync(5);
        await UntilAsync(() => one.Runs.Count == 2);
        Assert.Equal(3u, await WaitingAsync());
        var other = Start(address, [Here, "x86_64.gcc-13.00000000"], 2, HoldAsync);
        await UntilAsync(() => other.Runs.Count == 2);
        Assert.Equal(1u, await WaitingAsync());
        release.SetResult();
        await UntilAsync(() => one.Runs.Count + other.Runs.Count == 5);
        Assert.Equal(5, one.Runs.Concat(other.Runs).Distinct().Count());
        await UntilAsync(async () => await WaitingAsync() == 0);
    }

    [Fact]
    public async Task What_the_preferred_worker_has_no_room_for_another_one_gets_at_once()
    {
        var address = await AddressAsync();
        var release = new TaskCompletionSource();
        var busy = Start(
            address,
            [Here],
            1,
            async (_, _) =>
            {
                await release.Task.WaitAsync(Cancellation);
                return Settled.Done;
            }
        );
        await SendAsync(1);
        await UntilAsync(() => busy.Runs.Count == 1);
        var idle = Start(address, [Here], 1, (_, _) => Task.FromResult(Settled.Done));
        await UntilAsync(async () => await publisher!.SendAsync(Id(2), Here, busy.Id, Cancellation) == Published.Kept);
        await UntilAsync(() => idle.Runs.Contains(Id(2)));
        // One with room gets what is meant for it, although another one waits as well.
        release.SetResult();
        await UntilAsync(() => busy.Consumer.Running.Count == 0);
        for (var i = 3; i < 13; i++)
        {
            Assert.Equal(Published.Kept, await publisher!.SendAsync(Id(i), Here, busy.Id, Cancellation));
            await UntilAsync(() => busy.Runs.Contains(Id(i)));
        }

        Assert.Single(idle.Runs);
        // One that is gone keeps nobody waiting.
        Assert.Equal(Published.Kept, await publisher!.SendAsync(Id(13), Here, WorkerId.New(), Cancellation));
        await UntilAsync(() => busy.Runs.Contains(Id(13)) || idle.Runs.Contains(Id(13)));
    }

    [Fact]
    public async Task A_build_goes_to_the_worker_that_has_its_kernel_prepared()
    {
        var address = await AddressAsync();
        var cold = Start(address, [Here], 1, (_, _) => Task.FromResult(Settled.Done));
        var warm = Start(address, [Here], 1, (_, _) => Task.FromResult(Settled.Done));
        using var scratch = new Scratch();
        var database = (await SqliteDatabase.OpenAsync(scratch.PathOf("state.db"), Cancellation)).Value;
        var workers = new WorkerTable(database, TimeProvider.System);
        var kernel = new StoredKernel(
            new('1', 64),
            "6.12.0-test",
            "00ff",
            "x86_64",
            "gcc-12 (Debian 12.2.0-14) 12.2.0",
            new('a', 64),
            null,
            null,
            DateTimeOffset.UtcNow,
            "test"
        );
        var capability = Capability.Of(kernel.Machine, kernel.Compiler);
        // Nobody takes from the queue of this capability: what comes, comes because that worker was asked first.
        var report = new WorkerReport
        {
            Name = "x",
            Version = "1",
            Capabilities = [capability],
            Builders = 1,
            Kernels = [],
            Running = [],
        };
        await workers.PutAsync(cold.Id, report, Cancellation);
        await workers.PutAsync(warm.Id, report with { Kernels = [kernel.Id] }, Cancellation);
        var dispatch = new BrokerDispatch(
            publisher!,
            workers,
            new(scratch.Cache(), TimeProvider.System, NullLogger<ToolchainsForWorkers>.Instance) { IsOffline = true },
            new(database, new(database, TimeProvider.System), TimeProvider.System),
            WorkPolicy.Default,
            TimeProvider.System
        );
        for (var i = 1; i <= 10; i++)
        {
            var build = new StoredBuild
            {
                Id = Id(i),
                Kernel = kernel.Id,
                Release = "",
                Submission = "",
                Patches = [],
                Token = "",
                Requester = "",
                Submitted = DateTimeOffset.UtcNow,
            };
            await UntilAsync(async () =>
            {
                await dispatch.SendAsync(build, kernel, Cancellation);
                await Task.Delay(100, Cancellation);
                return warm.Runs.Contains(build.Id);
            });
        }

        Assert.Empty(cold.Runs);
    }

    [Fact]
    public async Task A_worker_that_can_build_for_more_takes_such_builds_from_then_on()
    {
        const string more = "x86_64.gcc-14.00000000";
        var address = await AddressAsync();
        var release = new TaskCompletionSource();
        var worker = Start(
            address,
            [Here],
            1,
            async (build, _) =>
            {
                await (build == Id(2) ? release.Task.WaitAsync(Cancellation) : Task.CompletedTask);
                return Settled.Done;
            }
        );
        await SendAsync(1);
        await UntilAsync(() => worker.Runs.Count == 1);
        Assert.Equal(Published.Unroutable, await publisher!.SendAsync(Id(9), more, null, Cancellation));
        worker.Consumer.Extend([Here, more]);
        await UntilAsync(async () => await publisher.SendAsync(Id(9), more, null, Cancellation) == Published.Kept);
        await UntilAsync(() => worker.Runs.Contains(Id(9)));
        // One that is busy then takes them when it is not.
        Assert.Equal(Published.Kept, await publisher.SendAsync(Id(2), Here, null, Cancellation));
        await UntilAsync(() => worker.Runs.Contains(Id(2)));
        const string still = "x86_64.gcc-16.00000000";
        worker.Consumer.Extend([Here, more, still]);
        await UntilAsync(async () => await publisher.SendAsync(Id(3), still, null, Cancellation) == Published.Kept);
        Assert.DoesNotContain(Id(3), worker.Runs);
        release.SetResult();
        await UntilAsync(() => worker.Runs.Contains(Id(3)));
    }

    [Fact]
    public async Task A_worker_that_stops_gives_back_what_it_runs()
    {
        var address = await AddressAsync();
        var first = Start(
            address,
            [Here],
            1,
            async (_, stop) =>
            {
                await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return Settled.Returned;
            }
        );
        await SendAsync(1);
        await UntilAsync(() => first.Runs.Count == 1);
        await started[0].Stop.CancelAsync();
        await started[0].Running;
        var second = Start(address, [Here], 1, (_, _) => Task.FromResult(Settled.Done));
        await UntilAsync(() => second.Runs.Count == 1);
    }

    [Fact]
    public async Task A_build_is_ended_by_its_own_name_whatever_message_it_was_given_for()
    {
        var address = await AddressAsync();
        var worker = Start(
            address,
            [Here],
            2,
            async (_, ended) =>
            {
                await Task.Delay(Timeout.Infinite, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return Settled.Done;
            },
            told => told == Id(1) ? Id(7) : told
        );
        await SendAsync(2);
        await UntilAsync(() => worker.Runs.Count == 2);
        worker.Consumer.Cancel(Id(1));
        worker.Consumer.Cancel(Id(7));
        await UntilAsync(() => worker.Consumer.Running.Count == 1);
        Assert.Equal(Id(2), Assert.Single(worker.Consumer.Running).Build);
    }

    [Fact]
    public async Task A_message_that_is_none_of_ours_is_thrown_away()
    {
        var address = await AddressAsync();
        var worker = Start(address, [Here], 1, (_, _) => Task.FromResult(Settled.Done));
        await SendAsync(1);
        await using var connection = await address.ConnectAsync("test", Cancellation);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancellation);
        foreach (
            var body in (byte[][])
                [
                    [],
                    [0],
                    new byte[64],
                    new byte[1 << 20],
                    [.. "../../../etc/passwd"u8],
                    [.. Enumerable.Repeat((byte)'A', 64)],
                ]
        )
        {
            await channel.BasicPublishAsync(BuildQueues.Builds, Here, body, Cancellation);
        }

        Assert.Equal(Published.Kept, await publisher!.SendAsync(Id(2), Here, null, Cancellation));
        await UntilAsync(() => worker.Runs.Contains(Id(2)));
        Assert.Equal([Id(1), Id(2)], worker.Runs);
    }

    [Fact]
    public async Task A_build_that_ends_its_workers_three_times_is_taken_out()
    {
        var address = await AddressAsync();
        await using var connection = await address.ConnectAsync("test", Cancellation);
        await using (var declaring = await connection.CreateChannelAsync(cancellationToken: Cancellation))
        {
            await BuildQueues.DeclareAsync(declaring, Cancellation);
            await BuildQueues.DeclareCapabilityAsync(declaring, Here, Cancellation);
        }

        await SendAsync(1);
        for (var death = 1; death <= 3; death++)
        {
            await using var worker = await address.ConnectAsync($"worker {death}", Cancellation);
            await using var channel = await worker.CreateChannelAsync(cancellationToken: Cancellation);
            BasicGetResult? got = null;
            await UntilAsync(async () =>
                (got = await channel.BasicGetAsync(BuildQueues.OfCapability(Here), autoAck: false, Cancellation)) is not null
            );
            Assert.Equal(death > 1, got!.Redelivered);
        }

        await using var looking = await connection.CreateChannelAsync(cancellationToken: Cancellation);
        BasicGetResult? dead = null;
        await UntilAsync(async () =>
            (dead = await looking.BasicGetAsync(BuildQueues.Dead, autoAck: true, Cancellation)) is not null
        );
        Assert.Equal(Id(1), BuildMessage.Read(dead!.Body));
        Assert.Equal(0u, await WaitingAsync());
    }

    private async Task<BrokerAddress> AddressAsync()
    {
        var address = BrokerAddress.Parse(await shared.NewHostAsync()).Value;
        publisher = new(address, NullLogger<BuildPublisher>.Instance);
        return address;
    }

    private FakeWorker Start(
        BrokerAddress address,
        string[] capabilities,
        int builders,
        Func<string, CancellationToken, Task<Settled>> run,
        Func<string, string>? given = null
    )
    {
        var runs = new ConcurrentQueue<string>();
        var id = WorkerId.New();
        var consumer = new BuildConsumer(
            address,
            id,
            capabilities,
            builders,
            async (told, begun, ended, stopping) =>
            {
                var build = given?.Invoke(told) ?? told;
                begun(new(build, 1));
                runs.Enqueue(build);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(ended, stopping);
                return await run(build, either.Token);
            },
            NullLogger<BuildConsumer>.Instance
        );
        var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        started.Add((stop, Task.Run(() => consumer.RunAsync(() => { }, stop.Token))));
        return new(id, consumer, runs);
    }

    private async Task SendAsync(int count)
    {
        for (var i = 1; i <= count; i++)
        {
            await UntilAsync(async () => await publisher!.SendAsync(Id(i), Here, null, Cancellation) == Published.Kept);
        }
    }

    private async Task<uint> WaitingAsync() => (await publisher!.CountWaitingAsync(Here, Cancellation))!.Value;

    private static string Id(int number) => number.ToString("x64", System.Globalization.CultureInfo.InvariantCulture);

    private sealed record FakeWorker(string Id, BuildConsumer Consumer, ConcurrentQueue<string> Runs);
}
