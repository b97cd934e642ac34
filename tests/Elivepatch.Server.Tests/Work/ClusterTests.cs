using System.Net;
using System.Text;
using Elivepatch.Builder.Jobs;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Tests.Whole;

namespace Elivepatch.Server.Tests.Work;

/// <summary>
/// Several servers and workers as real processes, with the real PostgreSQL and RabbitMQ, and what may happen to each of them.
/// </summary>
public sealed class ClusterTests(SharedPostgres postgres, SharedBroker broker)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_hundred_equal_and_fifty_different_requests_at_once_are_built_once_each_by_three_workers()
    {
        using var cluster = await StartAsync(2, "one", "two", "three");
        const int good = 4;
        var names = Enumerable.Range(0, 50).Select(i => i < good ? $"good{i}" : $"refused{i}").ToList();
        var answers = await Task.WhenAll(
            Enumerable
                .Repeat("equal", 100)
                .Concat(names)
                .Select((name, i) => (name, i))
                .OrderBy(_ => Random.Shared.Next())
                .Select(async r => (r.name, Answer: await cluster.PostAsync(r.name, r.i % 2)))
        );
        var ids = new Dictionary<string, string>();
        foreach (var (name, answer) in answers)
        {
            var view = await answer.Content.ReadAsStringAsync(Cancellation);
            Assert.True(answer.StatusCode is HttpStatusCode.Accepted or HttpStatusCode.OK, view);
            var id = System.Text.Json.JsonDocument.Parse(view).RootElement.GetProperty("id").GetString()!;
            Assert.Equal(id, ids.GetValueOrDefault(name, id));
            ids[name] = id;
            answer.Dispose();
        }

        Assert.Equal(51, ids.Values.Distinct().Count());
        foreach (var (name, id) in ids)
        {
            var ended = await cluster.EndOfAsync(id);
            var expected = name.StartsWith("refused", StringComparison.Ordinal) ? BuildState.Refused : BuildState.Succeeded;
            Assert.True(ended.State == expected, $"{name}: {ended.State} {string.Join(' ', ended.Problems)}");
            Assert.Equal(1, ended.Attempts);
            Assert.Equal(
                ["queued", "running", ended.State.ToString().ToLowerInvariant()],
                StatesOf(await cluster.EventsAsync(id))
            );
        }
    }

    [Fact]
    public async Task A_build_whose_worker_is_killed_is_finished_by_another()
    {
        using var cluster = await StartAsync(1, "one", "two");
        var build = await cluster.SubmitAsync("killed");
        await cluster.EventsAsync(build, e => e.Kind == BuildEventKind.Stage);
        (await cluster.WorkerOfAsync(build)).Kill();
        var ended = await cluster.EndOfAsync(build);
        Assert.Equal((BuildState.Succeeded, 2), (ended.State, ended.Attempts));
        var events = await cluster.EventsAsync(build);
        Assert.Equal(["queued", "running", "running", "succeeded"], StatesOf(events));
        Assert.Equal(Enumerable.Range(1, events.Count).Select(i => (long)i), events.Select(e => e.Sequence));
    }

    [Fact]
    public async Task A_build_that_ends_its_worker_three_times_ends_as_failed_with_its_log()
    {
        using var cluster = await StartAsync(1);
        var build = "";
        for (var death = 1; death <= 3; death++)
        {
            using var worker = await cluster.AddWorkerAsync($"victim{death}");
            if (death == 1)
            {
                build = await cluster.SubmitAsync("poison");
            }

            var begun = 0;
            await cluster.EventsAsync(
                build,
                e =>
                {
                    begun += e is { Kind: BuildEventKind.State, Detail: "running" } ? 1 : 0;
                    return begun == death && e.Kind == BuildEventKind.Stage;
                }
            );
            worker.Kill();
        }

        await cluster.AddWorkerAsync("survivor");
        var ended = await cluster.EndOfAsync(build);
        Assert.Equal((BuildState.Failed, 3), (ended.State, ended.Attempts));
        Assert.Equal("ELP1015", Assert.Single(ended.Problems).Code);
        var log = await cluster.Clients[0].GetStringAsync(ApiRoutes.Log(build), Cancellation);
        Assert.Equal(3, log.Split("== running").Length - 1);
        // The one that is left is well, and so is the next build.
        Assert.Equal(BuildState.Succeeded, (await cluster.EndOfAsync(await cluster.SubmitAsync("afterwards"))).State);
    }

    [Fact]
    public async Task A_stream_goes_on_at_another_server_when_its_own_is_killed_and_so_does_the_build()
    {
        using var cluster = await StartAsync(2, "one");
        var build = await cluster.SubmitAsync("moved", server: 1);
        var before = await cluster.EventsAsync(build, e => e.Kind == BuildEventKind.Stage);
        cluster.Servers[0].Kill();
        var after = await cluster.EventsAsync(build, after: before[^1].Sequence, server: 1);
        List<BuildEvent> events = [.. before, .. after];
        Assert.Equal(Enumerable.Range(1, events.Count).Select(i => (long)i), events.Select(e => e.Sequence));
        Assert.Equal(["queued", "running", "succeeded"], StatesOf(events));
        Assert.Equal(1, (await cluster.BuildAsync(build, server: 1)).Attempts);
    }

    [Fact]
    public async Task A_build_is_cancelled_from_another_server_and_its_worker_is_free_again()
    {
        using var cluster = await StartAsync(2, "one");
        var build = await cluster.SubmitAsync("cancelled");
        await cluster.EventsAsync(build, e => e.Kind == BuildEventKind.Stage);
        using (await cluster.Clients[1].PostAsync(ApiRoutes.Cancel(build), null, Cancellation))
        {
            Assert.Equal(BuildState.Cancelled, (await cluster.EndOfAsync(build)).State);
        }

        Assert.Equal(BuildState.Succeeded, (await cluster.EndOfAsync(await cluster.SubmitAsync("afterwards"))).State);
    }

    [Fact]
    public async Task A_kernel_whose_compiler_no_worker_has_is_answered_at_once_and_can_be_asked_for_again()
    {
        using var cluster = await StartAsync(1);
        await Answered.RefusedAsync(await cluster.PostAsync("nobody", 0), HttpStatusCode.ServiceUnavailable, "ELP1060");
        await cluster.AddWorkerAsync("one");
        var build = "";
        for (var i = 0; i < 100 && build.Length == 0; i++)
        {
            using var answer = await cluster.PostAsync("nobody", 0);
            if (answer.StatusCode == HttpStatusCode.Accepted)
            {
                build = (await Answered.ValueAsync<BuildView>(answer, HttpStatusCode.Accepted)).Id;
            }
            else
            {
                await Task.Delay(100, Cancellation);
            }
        }

        Assert.Equal(BuildState.Succeeded, (await cluster.EndOfAsync(build)).State);
    }

    // Everything that the worker has in the end came from the server by digest or, the source, from Debian.
    [Fact(Skip = FullRun.Reason, SkipType = typeof(FullRun), SkipUnless = nameof(FullRun.IsAsked))]
    public async Task A_worker_without_the_kernels_compiler_builds_with_the_servers_toolchain_root()
    {
        using var scratch = new Scratch();
        using var cluster = await Cluster.StartAsync(
            await postgres.NewTextAsync(),
            await broker.NewHostAsync(),
            servers: 1,
            kernel: "debian:trixie/newest-cloud-6.12"
        );
        await cluster.AddWorkerAsync("elsewhere", scratch.PathOf("cache"));
        var build = await cluster.EndOfAsync(await cluster.SubmitAsync("root"), minutes: 15);
        Assert.Equal((BuildState.Succeeded, 1), (build.State, build.Attempts));
        var fetched = Assert.Single(new ToolchainRoots(scratch.Cache()).List());
        Assert.Contains(fetched.Digest, new ToolchainRoots(StockCapture.TestCache()).List().Select(r => r.Digest));
    }

    [Fact]
    public async Task A_worker_of_another_version_is_refused_and_says_why()
    {
        using var cluster = await StartAsync(1);
        using var scratch = new Scratch();
        var other = scratch.PathOf("other");
        CopyFolder(DaemonProgram.Folder, other);
        // The same program, but for the version that it was built as.
        var engine = Path.Combine(other, "Elivepatch.Kernel.dll");
        var bytes = await File.ReadAllBytesAsync(engine, Cancellation);
        var version = Encoding.UTF8.GetBytes(EngineVersion.Current);
        var at = bytes.AsSpan().IndexOf(version);
        Assert.True(at > 0);
        bytes[at] = (byte)'9';
        await File.WriteAllBytesAsync(engine, bytes, Cancellation);
        using var worker = cluster.StartWorker("other", other);
        Assert.NotEqual(0, await worker.StatusAsync());
        Assert.Contains("ELP1061", worker.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broker_and_a_database_that_restart_lose_no_build_and_end_none_twice()
    {
        // Nobody else's tests shall feel that.
        await using var own = await PostgresCluster.StartAsync();
        await using var ownBroker = await RabbitBroker.StartAsync();
        using var cluster = await Cluster.StartAsync(await own.NewDatabaseAsync(), ownBroker.NewHost(), servers: 2);
        await cluster.AddWorkerAsync("one");
        await cluster.AddWorkerAsync("two");
        var builds = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            builds.Add(await cluster.SubmitAsync($"restart{i}", i % 2));
        }

        await cluster.EventsAsync(builds[0], e => e.Kind == BuildEventKind.Stage);
        await ownBroker.StopAsync();
        // Taken in all the same.
        builds.Add(await cluster.SubmitAsync("meanwhile"));
        await ownBroker.StartServerAsync();
        await own.StopAsync();
        await own.StartServerAsync();
        foreach (var build in builds)
        {
            var ended = await cluster.EndOfAsync(build);
            Assert.True(ended.State == BuildState.Succeeded, string.Join(' ', ended.Problems));
            var events = await cluster.EventsAsync(build, server: 1);
            Assert.Single(StatesOf(events), "succeeded");
            Assert.Equal(Enumerable.Range(1, events.Count).Select(n => (long)n), events.Select(e => e.Sequence));
        }
    }

    [Theory]
    [InlineData("broker")]
    [InlineData("database")]
    public async Task One_that_stands_still_and_comes_back_is_waited_for_and_takes_nobody_with_it(string which)
    {
        // It keeps its connections and answers nothing, as a machine does whose disk hangs.
        await using var own = await PostgresCluster.StartAsync();
        await using var ownBroker = await RabbitBroker.StartAsync();
        using var cluster = await Cluster.StartAsync(await own.NewDatabaseAsync(), ownBroker.NewHost(), servers: 1);
        await cluster.AddWorkerAsync("one");
        var before = await cluster.SubmitAsync("before");
        await cluster.EventsAsync(before, e => e.Kind == BuildEventKind.Stage);
        var processes = StartedProcess.Below(which == "broker" ? ownBroker.ProcessId : own.ProcessId);
        await SignalAsync("STOP", processes);
        var meanwhile = cluster.PostAsync("meanwhile", 0);
        // Longer than heartbeats, leases and the patience of requests.
        await Task.Delay(TimeSpan.FromSeconds(30), Cancellation);
        await SignalAsync("CONT", processes);
        (await meanwhile).Dispose();
        Assert.Equal(BuildState.Succeeded, (await cluster.EndOfAsync(before)).State);
        Assert.Equal(BuildState.Succeeded, (await cluster.EndOfAsync(await cluster.SubmitAgainAsync("meanwhile"))).State);
        Assert.Equal(BuildState.Succeeded, (await cluster.EndOfAsync(await cluster.SubmitAsync("afterwards"))).State);
    }

    [Fact]
    public async Task A_worker_that_stands_still_loses_its_build_and_is_well_again_when_it_goes_on()
    {
        using var cluster = await StartAsync(1);
        var (one, two) = (await cluster.AddWorkerAsync("one"), await cluster.AddWorkerAsync("two"));
        var build = await cluster.SubmitAsync("still");
        await cluster.EventsAsync(build, e => e.Kind == BuildEventKind.Stage);
        var worker = await cluster.WorkerOfAsync(build);
        var processes = worker.Processes;
        await SignalAsync("STOP", processes);
        var ended = await cluster.EndOfAsync(build);
        Assert.Equal((BuildState.Succeeded, 2), (ended.State, ended.Attempts));
        await SignalAsync("CONT", processes);
        (worker == one ? two : one).Kill();
        Assert.Equal(BuildState.Succeeded, (await cluster.EndOfAsync(await cluster.SubmitAsync("afterwards"))).State);
        // What it said of the build that it had lost counts for nothing.
        Assert.Equal("succeeded", StatesOf(await cluster.EventsAsync(build))[^1]);
        Assert.Equal(ended.Finished, (await cluster.BuildAsync(build)).Finished);
    }

    [Fact]
    public async Task A_worker_that_is_told_to_stop_gives_its_build_back_and_the_attempt_does_not_count()
    {
        using var cluster = await StartAsync(1);
        using var first = await cluster.AddWorkerAsync("first");
        var build = await cluster.SubmitAsync("returned");
        await cluster.EventsAsync(build, e => e.Kind == BuildEventKind.Stage);
        Assert.Equal(0, await first.EndAsync());
        Assert.Equal((BuildState.Queued, 0), await StandsAsync(cluster, build));
        await cluster.AddWorkerAsync("second");
        Assert.Equal(
            (BuildState.Succeeded, 1),
            ((await cluster.EndOfAsync(build)).State, (await cluster.BuildAsync(build)).Attempts)
        );
    }

    private static async Task<(BuildState State, int Attempts)> StandsAsync(Cluster cluster, string build) =>
        await cluster.BuildAsync(build) is var view ? (view.State, view.Attempts) : default;

    private async Task<Cluster> StartAsync(int servers, params string[] workers)
    {
        var cluster = await Cluster.StartAsync(await postgres.NewTextAsync(), await broker.NewHostAsync(), servers);
        await Task.WhenAll(workers.Select(w => cluster.AddWorkerAsync(w)));
        return cluster;
    }

    private static Task SignalAsync(string signal, IEnumerable<StartedProcess> processes) =>
        DaemonProgram.SignalAsync(signal, processes.Select(p => p.Id));

    private static List<string> StatesOf(IEnumerable<BuildEvent> events) =>
        [.. events.Where(e => e.Kind == BuildEventKind.State).Select(e => e.Detail)];

    private static void CopyFolder(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
