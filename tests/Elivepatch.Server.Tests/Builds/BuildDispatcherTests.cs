using System.Collections.Concurrent;
using System.Text;
using Elivepatch.Builder.Jobs;
using Elivepatch.Kernel;
using Elivepatch.Kernel.Processes;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.Tests.Builds;

public sealed class BuildDispatcherTests
{
    // A job that says when it has begun, and goes on until it is cancelled.
    private static BuildRun Endless(TaskCompletionSource begun) =>
        async (_, _, cancellation) =>
        {
            begun.TrySetResult();
            await Task.Delay(-1, cancellation);
            return new();
        };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_build_is_run_and_its_results_are_kept()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        var build = await bench.SubmitAsync("the patch");
        BuildOrder? seen = null;
        using var dispatcher = bench.Dispatcher(
            (order, journal, _) =>
            {
                seen = order;
                Log(journal, "compiling");
                return Done("module");
            }
        );
        await dispatcher.StartAsync(Cancellation);
        var ended = await bench.EndOfAsync(build.Id);
        await dispatcher.StopAsync(Cancellation);
        Assert.Equal(BuildState.Succeeded, ended.State);
        Assert.Equal("module", Encoding.UTF8.GetString(await bench.Blobs.ReadAsync(ended.End!.Artifact!, Cancellation)));
        Assert.Equal("console", Encoding.UTF8.GetString(await bench.Blobs.ReadAsync(ended.End.Console!, Cancellation)));
        Assert.Equal("the patch", Encoding.UTF8.GetString(seen!.Submission.Patches[0].Content));
        Assert.Equal(["queued", "running", "compiling", "succeeded"], await DetailsAsync(bench, build.Id));
    }

    [Fact]
    public async Task Problems_say_whether_asking_again_may_help()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        using var dispatcher = bench.Dispatcher(
            (order, _, _) =>
                Task.FromResult(
                    new BuildProduct
                    {
                        Problems =
                        [
                            Encoding.UTF8.GetString(order.Submission.Patches[0].Content) == "bad"
                                ? new(PatchProblems.PatchDoesNotApply, "no")
                                : new Problem(RecordProblems.DownloadFailed, "no"),
                        ],
                    }
                )
        );
        await dispatcher.StartAsync(Cancellation);
        Assert.Equal(BuildState.Refused, (await bench.EndOfAsync((await bench.SubmitAsync("bad")).Id)).State);
        Assert.Equal(BuildState.Failed, (await bench.EndOfAsync((await bench.SubmitAsync("unlucky")).Id)).State);
        await dispatcher.StopAsync(Cancellation);
    }

    [Fact]
    public async Task A_server_that_stops_gently_leaves_the_build_to_the_next_and_blames_nobody()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        var build = await bench.SubmitAsync();
        for (var i = 0; i < 5; i++)
        {
            var begun = new TaskCompletionSource();
            using var stopped = bench.Dispatcher(Endless(begun));
            await stopped.StartAsync(Cancellation);
            await begun.Task.WaitAsync(Cancellation);
            await stopped.StopAsync(Cancellation);
            Assert.Equal((BuildState.Queued, 0), await StateAsync(bench, build.Id));
        }

        using var next = bench.Dispatcher((_, _, _) => Done("module"));
        await next.StartAsync(Cancellation);
        Assert.Equal(BuildState.Succeeded, (await bench.EndOfAsync(build.Id)).State);
        await next.StopAsync(Cancellation);
    }

    [Fact]
    public async Task A_killed_servers_builds_are_found_and_finished_by_the_next()
    {
        using var killed = await Workbench.OpenAsync();
        await killed.AddKernelAsync();
        var (running, waiting) = (await killed.SubmitAsync("a"), await killed.SubmitAsync("b"));
        // As far as a killed server came: one taken, with events and a blob, and no end.
        Assert.Equal(running.Id, (await killed.Builds.TakeAsync("worker", Cancellation))!.Id);
        await killed.Events.AddAsync(running.Id, new(0, default, BuildEventKind.Log, "", "half way"), Cancellation);
        await killed.Blobs.PutAsync("half a result"u8.ToArray(), Cancellation);

        using var bench = await Workbench.OpenAsync(folder: killed.Folder);
        var ran = new ConcurrentBag<string>();
        using var dispatcher = bench.Dispatcher(
            (order, _, _) =>
            {
                ran.Add(order.Id);
                return Done("module");
            }
        );
        await dispatcher.StartAsync(Cancellation);
        Assert.Equal(
            (BuildState.Succeeded, 2),
            ((await bench.EndOfAsync(running.Id)).State, (await bench.EndOfAsync(running.Id)).Attempts)
        );
        Assert.Equal(BuildState.Succeeded, (await bench.EndOfAsync(waiting.Id)).State);
        await dispatcher.StopAsync(Cancellation);
        Assert.Equal(2, ran.Count);
        Assert.Equal(["queued", "running", "half way", "queued", "running", "succeeded"], await DetailsAsync(bench, running.Id));
    }

    [Fact]
    public async Task A_build_that_kills_every_server_is_given_up_with_its_log()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        var build = await bench.SubmitAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.NotNull(await bench.Builds.TakeAsync("worker", Cancellation));
            await bench.Events.AddAsync(build.Id, new(0, default, BuildEventKind.Log, "", $"try {i}"), Cancellation);
            Assert.Single(await bench.Builds.RequeueInterruptedAsync(silentFor: null, Cancellation));
        }

        using var dispatcher = bench.Dispatcher((_, _, _) => throw new InvalidOperationException("it must not run again"));
        await dispatcher.StartAsync(Cancellation);
        var ended = await bench.EndOfAsync(build.Id);
        await dispatcher.StopAsync(Cancellation);
        Assert.Equal((BuildState.Failed, "ELP1015"), (ended.State, ended.End!.Problems[0].Code));
        Assert.Contains("try 2", await DetailsAsync(bench, build.Id));
        // Whoever asks again begins anew.
        Assert.Equal(
            (BuildState.Queued, 0),
            ((await bench.SubmitAsync()).State, (await bench.Builds.FindAsync(build.Id, Cancellation))!.Attempts)
        );
    }

    [Fact]
    public async Task A_running_build_can_be_cancelled()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        var begun = new TaskCompletionSource();
        using var dispatcher = bench.Dispatcher(Endless(begun));
        await dispatcher.StartAsync(Cancellation);
        var build = await bench.SubmitAsync();
        await begun.Task.WaitAsync(Cancellation);
        Assert.True((await bench.Intake.CancelAsync(build.Id, Cancellation))!.IsCancelling);
        Assert.Equal(BuildState.Cancelled, (await bench.EndOfAsync(build.Id)).State);
        await dispatcher.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Another_process_can_cancel_as_well()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        var begun = new TaskCompletionSource();
        using var dispatcher = bench.Dispatcher(Endless(begun));
        await dispatcher.StartAsync(Cancellation);
        var build = await bench.SubmitAsync();
        await begun.Task.WaitAsync(Cancellation);
        // The table alone: no signal in this process.
        await bench.Builds.CancelAsync(build.Id, Cancellation);
        Assert.Equal(BuildState.Cancelled, (await bench.EndOfAsync(build.Id)).State);
        await dispatcher.StopAsync(Cancellation);
    }

    [Fact]
    public async Task A_build_that_was_being_cancelled_when_the_server_died_stays_so()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        var build = await bench.SubmitAsync();
        await bench.Builds.TakeAsync("worker", Cancellation);
        await bench.Builds.CancelAsync(build.Id, Cancellation);
        using var dispatcher = bench.Dispatcher((_, _, _) => Done("module"));
        await dispatcher.StartAsync(Cancellation);
        Assert.Equal(BuildState.Cancelled, (await bench.EndOfAsync(build.Id)).State);
        await dispatcher.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Two_builds_run_at_once_and_each_only_once()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        var (now, most) = (0, 0);
        var two = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ran = new ConcurrentDictionary<string, int>();
        using var dispatcher = bench.Dispatcher(
            async (order, _, cancellation) =>
            {
                ran.AddOrUpdate(order.Id, 1, (_, n) => n + 1);
                var running = Interlocked.Increment(ref now);
                InterlockedMax(ref most, running);
                if (running == 2)
                {
                    two.TrySetResult();
                }
                // However slow the machine is, the first one sees the second.
                await two.Task.WaitAsync(TimeSpan.FromSeconds(60), cancellation);
                await Task.Delay(10, cancellation);
                Interlocked.Decrement(ref now);
                return await Done(order.Id);
            }
        );
        await dispatcher.StartAsync(Cancellation);
        var builds = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => bench.SubmitAsync($"patch {i}")));
        foreach (var build in builds)
        {
            Assert.Equal(BuildState.Succeeded, (await bench.EndOfAsync(build.Id)).State);
        }

        await dispatcher.StopAsync(Cancellation);
        Assert.Equal(2, most);
        Assert.Equal(8, ran.Count);
        Assert.All(ran.Values, n => Assert.Equal(1, n));
    }

    [Fact]
    public async Task A_job_that_breaks_fails_its_build_and_no_other()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        using var dispatcher = bench.Dispatcher(
            (order, _, _) =>
                Encoding.UTF8.GetString(order.Submission.Patches[0].Content) switch
                {
                    "full" => throw new IOException("No space left on device", 28),
                    "bug" => throw new InvalidOperationException("bug"),
                    _ => Done("module"),
                }
        );
        await dispatcher.StartAsync(Cancellation);
        Assert.Equal("ELP1016", (await bench.EndOfAsync((await bench.SubmitAsync("full")).Id)).End!.Problems[0].Code);
        Assert.Equal("ELP1015", (await bench.EndOfAsync((await bench.SubmitAsync("bug")).Id)).End!.Problems[0].Code);
        Assert.Equal(BuildState.Succeeded, (await bench.EndOfAsync((await bench.SubmitAsync("fine")).Id)).State);
        await dispatcher.StopAsync(Cancellation);
    }

    [Fact]
    public async Task A_full_disk_leaves_no_half_result()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        var build = await bench.SubmitAsync();
        // A file system of a few pages below the blobs, where whoever runs this may mount one.
        var mounted = await ProcessRunner.RunAsync(
            new()
            {
                File = "mount",
                Arguments = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", Path.Combine(bench.Folder, "blobs", "incoming")],
            },
            Cancellation
        );
        if (!mounted.Succeeded)
        {
            Assert.Skip("only root can mount a file system that is full");
        }

        try
        {
            using var dispatcher = bench.Dispatcher((_, _, _) => Done(new string('x', 1 << 20)));
            await dispatcher.StartAsync(Cancellation);
            var ended = await bench.EndOfAsync(build.Id);
            await dispatcher.StopAsync(Cancellation);
            Assert.Equal((BuildState.Failed, "ELP1016"), (ended.State, ended.End!.Problems[0].Code));
            Assert.Null(ended.End.Artifact);
            Assert.Null(ended.End.Console);
            Assert.Empty(Directory.EnumerateFiles(Path.Combine(bench.Folder, "blobs", "incoming")));
        }
        finally
        {
            await ProcessRunner.RunAsync(
                new() { File = "umount", Arguments = [Path.Combine(bench.Folder, "blobs", "incoming")] },
                CancellationToken.None
            );
        }
    }

    [Fact]
    public async Task A_stage_that_goes_on_fills_no_log_and_its_end_is_told()
    {
        using var bench = await Workbench.OpenAsync();
        await bench.AddKernelAsync();
        var build = await bench.SubmitAsync();
        using var dispatcher = bench.Dispatcher(
            (_, journal, _) =>
            {
                for (var i = 0; i < 5000; i++)
                {
                    journal.Report(new(0, default, BuildEventKind.Stage, "prepare", $"line {i}", "running"));
                }

                journal.Report(new(0, default, BuildEventKind.Stage, "prepare", "", "done"));
                return Done("module");
            }
        );
        await dispatcher.StartAsync(Cancellation);
        await bench.EndOfAsync(build.Id);
        await dispatcher.StopAsync(Cancellation);
        var events = await bench.Events.ReadAsync(build.Id, 0, 1000, Cancellation);
        Assert.True(events.Count < 100, $"{events.Count}");
        Assert.Contains(events, e => e is { Stage: "prepare", Status: "done" });
        Assert.Equal("succeeded", events[^1].Detail);
    }

    private static Task<BuildProduct> Done(string module) =>
        Task.FromResult(
            new BuildProduct
            {
                Module = "livepatch_fix",
                Artifact = Encoding.UTF8.GetBytes(module),
                Console = "console",
                Tested = true,
            }
        );

    private static void Log(IProgress<BuildEvent> journal, string line) =>
        journal.Report(new(0, default, BuildEventKind.Log, "", line));

    private static async Task<IReadOnlyList<string>> DetailsAsync(Workbench bench, string build) =>
        [.. (await bench.Events.ReadAsync(build, 0, 100, Cancellation)).Select(e => e.Detail)];

    private static async Task<(BuildState State, int Attempts)> StateAsync(Workbench bench, string build) =>
        await bench.Builds.FindAsync(build, Cancellation) is { } found
            ? (found.State, found.Attempts)
            : throw new InvalidOperationException();

    private static void InterlockedMax(ref int most, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, seen) != seen) { }
    }
}
