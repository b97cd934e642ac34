using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Elivepatch.Builder.Jobs;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Postgres;
using Elivepatch.Server.Tests.Builds;
using Microsoft.Extensions.Logging.Abstractions;

namespace Elivepatch.Server.Tests.Several;

/// <summary>Several servers at one database.</summary>
public sealed class SeveralServersTests(SharedPostgres postgres) : IAsyncLifetime
{
    private readonly Scratch scratch = new();
    private readonly List<IAsyncDisposable> opened = [];
    private PostgresAddress address = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => address = await postgres.NewAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var one in opened)
        {
            await one.DisposeAsync();
        }

        scratch.Dispose();
    }

    [Fact]
    public async Task The_first_server_makes_the_administrator_and_all_know_its_token()
    {
        var servers = await Task.WhenAll(ServerAsync("one"), ServerAsync("two"), ServerAsync("three"));
        var secret = Assert.Single(servers, s => s.Administrator is not null).Administrator!;
        foreach (var server in servers)
        {
            using var client = server.WithSecret(secret);
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Tokens, Cancellation)).StatusCode);
        }
    }

    [Fact]
    public async Task A_module_that_one_server_made_comes_from_the_other_whole_and_in_parts()
    {
        var (one, two) = (await ServerAsync("one"), await ServerAsync("two"));
        await one.AddBuildAsync("build");
        await one.Get<BuildTable>().TakeAsync("worker", Cancellation);
        var module = new byte[3_000_000];
        Random.Shared.NextBytes(module);
        var artifact = (await one.Get<BlobStore>().PutAsync(module, Cancellation)).Value;
        await one.Get<BuildTable>()
            .FinishAsync(
                new("build", "worker", 1),
                new()
                {
                    State = BuildState.Succeeded,
                    Module = "m",
                    Artifact = artifact,
                    ArtifactSize = module.Length,
                },
                Cancellation
            );
        using var client = await one.WithScopesAsync(TokenScopes.Read);
        using var atTwo = two.WithSecret(client.DefaultRequestHeaders.Authorization!.Parameter!);
        atTwo.DefaultRequestHeaders.Range = new(2_000_000, 2_000_999);
        using var part = await atTwo.GetAsync(ApiRoutes.Artifact("build"), Cancellation);
        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        Assert.Equal(module[2_000_000..2_001_000], await part.Content.ReadAsByteArrayAsync(Cancellation));
        atTwo.DefaultRequestHeaders.Range = null;
        Assert.Equal(module, await atTwo.GetByteArrayAsync(ApiRoutes.Artifact("build"), Cancellation));
    }

    [Fact]
    public async Task Servers_whose_clocks_differ_have_the_time_of_the_database()
    {
        var (one, two) = (await ServerAsync("one"), await ServerAsync("two"));
        // Their own clocks stand still, in another month.
        two.Clock.Now -= TimeSpan.FromHours(1);
        await two.Get<DatabaseClock>().SetAsync(Cancellation);
        var (first, second) = (one.Get<TimeProvider>().GetUtcNow(), two.Get<TimeProvider>().GetUtcNow());
        Assert.InRange((first - second).Duration(), TimeSpan.Zero, TimeSpan.FromMinutes(1));
        Assert.InRange((DateTimeOffset.UtcNow - first).Duration(), TimeSpan.Zero, TimeSpan.FromMinutes(1));
        // So nobody's build is taken away because another server thinks that it is later.
        await one.AddBuildAsync("build");
        Assert.NotNull(await one.Get<BuildTable>().TakeAsync("worker", Cancellation));
        Assert.Empty(await two.Get<BuildTable>().RequeueInterruptedAsync(TimeSpan.FromMinutes(5), Cancellation));
    }

    [Fact]
    public async Task Twenty_equal_submissions_at_two_servers_are_one_build()
    {
        using var one = await BenchAsync("one");
        using var two = await BenchAsync("two");
        await one.AddKernelAsync();
        var builds = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(i => Task.Run(() => (i % 2 == 0 ? one : two).SubmitAsync("equal", $"token {i}")))
        );
        Assert.Single(builds.Select(b => b.Id).Distinct());
        Assert.Single(await two.Builds.ListAsync(null, null, 100, Cancellation));
        Assert.Single(await two.Events.ReadAsync(builds[0].Id, 0, 100, Cancellation));
    }

    [Fact]
    public async Task Thirty_different_builds_are_run_once_each_by_two_servers()
    {
        using var one = await BenchAsync("one");
        using var two = await BenchAsync("two");
        await one.AddKernelAsync();
        var ran = new ConcurrentBag<(string Server, string Build)>();
        using var first = one.Dispatcher(Run("one"), builders: 3);
        using var second = two.Dispatcher(Run("two"), builders: 3);
        await Task.WhenAll(first.StartAsync(Cancellation), second.StartAsync(Cancellation));
        var builds = await Task.WhenAll(
            Enumerable.Range(0, 30).Select(i => Task.Run(() => (i % 2 == 0 ? one : two).SubmitAsync($"patch {i}", $"token {i}")))
        );
        foreach (var build in builds)
        {
            var ended = await two.EndOfAsync(build.Id);
            Assert.Equal((BuildState.Succeeded, 1), (ended.State, ended.Attempts));
        }

        await Task.WhenAll(first.StopAsync(Cancellation), second.StopAsync(Cancellation));
        Assert.Equal(30, ran.Count);
        Assert.Equal(30, ran.Select(r => r.Build).Distinct().Count());
        Assert.Equal(2, ran.Select(r => r.Server).Distinct().Count());

        BuildRun Run(string server) =>
            async (order, _, cancellation) =>
            {
                ran.Add((server, order.Id));
                await Task.Delay(30, cancellation);
                return new() { Module = "m", Artifact = Encoding.UTF8.GetBytes(order.Id) };
            };
    }

    [Fact]
    public async Task A_build_of_a_server_that_died_goes_on_at_another_and_one_that_runs_is_left_alone()
    {
        using var one = await BenchAsync("one");
        using var two = await BenchAsync("two");
        await one.AddKernelAsync();
        var lost = await one.SubmitAsync("lost");
        // Whoever took it was last heard of in 1970.
        var old = new BuildTable(one.Database, one.Events, new SetClock { Now = DateTimeOffset.UnixEpoch.AddDays(1) });
        await old.TakeAsync("dead", Cancellation);
        var alive = await one.SubmitAsync("alive");
        await one.Builds.TakeAsync("alive", Cancellation);
        using var dispatcher = two.Dispatcher((_, _, _) => Task.FromResult(new BuildProduct { Module = "m", Artifact = [1] }));
        await dispatcher.StartAsync(Cancellation);
        Assert.Equal(
            (BuildState.Succeeded, 2),
            ((await two.EndOfAsync(lost.Id)).State, (await two.Builds.FindAsync(lost.Id, Cancellation))!.Attempts)
        );
        await dispatcher.StopAsync(Cancellation);
        var running = (await two.Builds.FindAsync(alive.Id, Cancellation))!;
        Assert.Equal((BuildState.Running, 1), (running.State, running.Attempts));
    }

    [Fact]
    public async Task A_stream_at_one_server_shows_what_happens_at_another()
    {
        var (one, two) = (await ServerAsync("one"), await ServerAsync("two"));
        await one.AddBuildAsync("build");
        using var client = await one.WithScopesAsync(TokenScopes.Read);
        using var atTwo = two.WithSecret(client.DefaultRequestHeaders.Authorization!.Parameter!);
        using var answer = await atTwo.GetAsync(
            ApiRoutes.Events("build"),
            HttpCompletionOption.ResponseHeadersRead,
            Cancellation
        );
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancellation));
        Assert.Equal("queued", await NextAsync(reader));
        await one.Get<BuildTable>().TakeAsync("worker", Cancellation);
        Assert.Equal("running", await NextAsync(reader));
        for (var i = 0; i < 20; i++)
        {
            await one.Get<BuildEventTable>()
                .AddAsync(
                    "build",
                    new(0, default, BuildEventKind.Log, "", i.ToString(CultureInfo.InvariantCulture)),
                    Cancellation
                );
            Assert.Equal(i.ToString(CultureInfo.InvariantCulture), await NextAsync(reader));
        }

        await one.Get<BuildTable>().FinishAsync(new("build", "worker", 1), new() { State = BuildState.Refused }, Cancellation);
        Assert.Equal("refused", await NextAsync(reader));
        Assert.Null(await NextAsync(reader));
    }

    [Fact]
    public async Task Events_of_another_server_are_told_not_only_looked_for()
    {
        var (one, two) = (await DatabaseAsync(), await DatabaseAsync());
        var (there, here) = (new BuildEventTable(one, TimeProvider.System), new BuildEventTable(two, new Timeless()));
        await RunningServer.AddBuildAsync(new(one), new(one, there, TimeProvider.System), "build", DateTimeOffset.UtcNow);
        using var notices = new BuildEventNotices(two, here, TimeProvider.System, NullLogger<BuildEventNotices>.Instance);
        await notices.StartAsync(Cancellation);
        await using var events = here.FollowAsync("build", 0, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await events.MoveNextAsync());
        for (var i = 0; i < 3; i++)
        {
            var next = events.MoveNextAsync().AsTask();
            await Task.Delay(100, Cancellation);
            await there.AddAsync("build", new(0, default, BuildEventKind.Log, "", $"{i}"), Cancellation);
            Assert.True(await next.WaitAsync(TimeSpan.FromSeconds(20), Cancellation));
            Assert.Equal($"{i}", events.Current.Detail);
        }

        await notices.StopAsync(Cancellation);
    }

    private async Task<PostgresDatabase> DatabaseAsync()
    {
        var database = (PostgresDatabase)(await PostgresDatabase.OpenAsync(address, Cancellation)).Value;
        opened.Add(database);
        return database;
    }

    private async Task<Workbench> BenchAsync(string name) =>
        await Workbench.OpenAsync(
            new ServicePolicy { OpenBuildsPerToken = 1000 },
            Directory.CreateDirectory(scratch.PathOf(name)).FullName,
            shared: await DatabaseAsync()
        );

    private async Task<RunningServer> ServerAsync(string name)
    {
        var server = await RunningServer.StartAsync(
            o => o with { Database = address, KeysFolder = scratch.PathOf("keys") },
            scratch.PathOf(name)
        );
        opened.Insert(0, server);
        return server;
    }

    private static async Task<string?> NextAsync(StreamReader reader)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        while (await reader.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                return JsonSerializer.Deserialize(line[6..], ProtocolJson.Default.BuildEvent)!.Detail;
            }
        }

        return null;
    }

    // Its timers never end: who waits for one waits for something else.
    private sealed class Timeless : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new Stopped();

        private sealed class Stopped : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() { }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
