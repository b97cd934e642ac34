using System.Collections.Concurrent;
using System.Globalization;
using Elivepatch.Kernel;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Sqlite;

namespace Elivepatch.Server.Tests.Builds;

/// <summary>Whose build is next.</summary>
public sealed class TurnTests : IDisposable
{
    private const int Most = 3;
    private static readonly TimeSpan held = TimeSpan.FromSeconds(10);
    private readonly Scratch scratch = new();
    private readonly SetClock clock = new();
    private KernelTable kernels = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Who_floods_does_not_hold_up_others()
    {
        var builds = await FloodedAsync();
        Assert.Equal(["flood 01"], await TakeAsync(builds, 1));
        await AddAsync(builds, "other", "another");
        // Not the 31st.
        Assert.Equal(["other", "flood 02", "flood 03"], await TakeAsync(builds, 3));
    }

    [Fact]
    public async Task Tokens_are_served_in_turn_and_their_builds_in_the_order_of_their_age()
    {
        var builds = await OpenAsync();
        foreach (var id in (string[])["a1", "a2", "a3", "b1", "b2", "c1"])
        {
            await AddAsync(builds, id, id[..1]);
        }

        Assert.Equal(["a1", "b1", "c1", "a2", "b2", "a3"], await TakeAsync(builds, 6, end: true));
        // Who had nothing to do for a while has no more turns for that than the others.
        foreach (var id in (string[])["a4", "a5", "b3", "c2", "c3"])
        {
            await AddAsync(builds, id, id[..1]);
        }

        Assert.Equal(["c2", "b3", "a4", "c3", "a5"], await TakeAsync(builds, 5, end: true));
    }

    [Fact]
    public async Task Who_has_a_builder_already_leaves_the_next_one_to_others()
    {
        var builds = await OpenAsync();
        foreach (var id in (string[])["long1", "long2", "short1", "short2"])
        {
            await AddAsync(builds, id, id[..^1]);
        }

        Assert.Equal(["long1", "short1"], await TakeAsync(builds, 2));
        await EndAsync(builds, "short1");
        // By turns alone it would be the other's, who then had both of two builders.
        Assert.Equal(["short2"], await TakeAsync(builds, 1));
    }

    [Fact]
    public async Task To_ask_again_for_what_failed_is_no_way_to_the_front()
    {
        var builds = await OpenAsync();
        await AddAsync(builds, "again", "eager");
        await AddAsync(builds, "patient", "another");
        for (var i = 0; i < 2; i++)
        {
            var eager = (await builds.TakeAsync("worker", Cancellation))!;
            Assert.Equal(i == 0 ? "again" : "patient", eager.Id);
            await builds.FinishAsync(eager.Lease, new() { State = BuildState.Failed }, Cancellation);
            await builds.SubmitAsync((await builds.FindAsync("again", Cancellation))!, Cancellation);
        }
    }

    [Fact]
    public async Task What_was_interrupted_goes_on_first()
    {
        var builds = await FloodedAsync();
        await TakeAsync(builds, 1, end: true);
        await AddAsync(builds, "other", "another");
        Assert.Equal(["other"], await TakeAsync(builds, 1));
        // The server was killed, and has had the other's turn.
        await builds.RequeueInterruptedAsync(null, Cancellation);
        Assert.Equal(["other", "flood 02"], await TakeAsync(builds, 2));
    }

    [Fact]
    public async Task What_another_token_asks_for_again_is_its_own()
    {
        var builds = await FloodedAsync();
        await builds.CancelAsync("flood 30", Cancellation);
        var cancelled = (await builds.FindAsync("flood 30", Cancellation))!;
        await builds.SubmitAsync(cancelled with { Token = "another", Requester = "somebody else" }, Cancellation);
        await TakeAsync(builds, 1);
        Assert.Equal(["flood 30"], await TakeAsync(builds, 1));
        Assert.Equal("somebody else", (await builds.FindAsync("flood 30", Cancellation))!.Requester);
    }

    [Fact]
    public async Task A_worker_that_was_told_of_any_build_is_given_the_one_whose_turn_it_is()
    {
        var builds = await FloodedAsync();
        await AddAsync(builds, "other", "another");
        await AddAsync(builds, "of another compiler", "a third", "gcc-13");
        Assert.Equal("flood 01", (await TellAsync(builds, "flood 01")).Build!.Id);
        Assert.Equal("other", (await TellAsync(builds, "flood 02")).Build!.Id);
        // The message of what runs already is one for what waits.
        Assert.Equal("flood 02", (await TellAsync(builds, "other")).Build!.Id);
        Assert.Equal("of another compiler", (await TellAsync(builds, "of another compiler")).Build!.Id);
        Assert.Equal(BuildTaking.Held, (await TellAsync(builds, "of another compiler")).Taking);
        Assert.Equal((BuildTaking.Over, default(StoredBuild)), await TellAsync(builds, "no such"));
    }

    [Fact]
    public async Task What_a_silent_worker_has_is_given_to_whoever_is_told_of_anything()
    {
        var builds = await OpenAsync();
        await AddAsync(builds, "lost", "a");
        await AddAsync(builds, "next", "a");
        Assert.Equal("lost", (await TellAsync(builds, "lost")).Build!.Id);
        clock.Now += TimeSpan.FromSeconds(11);
        var again = await TellAsync(builds, "next");
        Assert.Equal(("lost", 2), (again.Build!.Id, again.Build.Attempts));
        Assert.Equal("next", (await TellAsync(builds, "lost")).Build!.Id);
    }

    [Fact]
    public async Task What_ends_its_workers_ends_and_holds_up_nobody()
    {
        var builds = await OpenAsync();
        await AddAsync(builds, "deadly", "a");
        for (var i = 0; i < Most; i++)
        {
            Assert.Equal("deadly", (await TellAsync(builds, "deadly")).Build!.Id);
            clock.Now += TimeSpan.FromSeconds(11);
        }

        await AddAsync(builds, "next", "a");
        Assert.Equal("next", (await TellAsync(builds, "deadly")).Build!.Id);
        Assert.Equal(BuildState.Failed, (await builds.FindAsync("deadly", Cancellation))!.State);
    }

    [Fact]
    public async Task Thirty_builds_whose_tests_never_end_let_the_next_token_pass()
    {
        using var bench = await Workbench.OpenAsync(new() { OpenBuildsPerToken = 100 });
        await bench.AddKernelAsync();
        var first = new TaskCompletionSource();
        var begun = new ConcurrentQueue<string>();
        using var dispatcher = bench.Dispatcher(
            async (order, _, cancellation) =>
            {
                begun.Enqueue(order.Id);
                if (begun.Count > 2)
                {
                    await Task.Delay(-1, cancellation);
                }
                // As the limit of a test's time ends it.
                await first.Task.WaitAsync(cancellation);
                return new() { Problems = [new(VirtualMachineProblems.TrialScriptTimedOut, "")] };
            },
            builders: 1
        );
        var flood = new List<string>();
        for (var i = 0; i < 30; i++)
        {
            flood.Add((await bench.SubmitAsync($"flood {i}")).Id);
        }

        await dispatcher.StartAsync(Cancellation);
        await Waiting.UntilAsync(() => begun.Count == 1);
        var other = await bench.SubmitAsync("other", token: "another");
        first.SetResult();
        await Waiting.UntilAsync(() => begun.Count == 3);
        await dispatcher.StopAsync(Cancellation);
        Assert.Equal(other.Id, begun.ElementAt(1));
        Assert.Equal(2, begun.Count(flood.Contains));
    }

    private async Task<BuildTable> OpenAsync()
    {
        var database = (await SqliteDatabase.OpenAsync(scratch.PathOf("state.db"), Cancellation)).Value;
        kernels = new(database);
        foreach (var compiler in (string[])["gcc", "gcc-13"])
        {
            await kernels.AddAsync(
                new(compiler, "6.12.0-test", "00ff", "x86_64", compiler, new('a', 64), null, null, clock.Now, "test"),
                Cancellation
            );
        }

        return new(database, new(database, clock), clock);
    }

    private async Task<BuildTable> FloodedAsync()
    {
        var builds = await OpenAsync();
        for (var i = 1; i <= 30; i++)
        {
            await AddAsync(builds, string.Create(CultureInfo.InvariantCulture, $"flood {i:00}"), "flood");
        }

        return builds;
    }

    private Task AddAsync(BuildTable builds, string id, string token, string kernel = "gcc") =>
        builds.SubmitAsync(
            new()
            {
                Id = id,
                Kernel = kernel,
                Release = "6.12.0-test",
                Submission = new('b', 64),
                Patches = [],
                Token = token,
                Requester = token,
                Submitted = clock.Now,
            },
            Cancellation
        );

    private static async Task<List<string>> TakeAsync(BuildTable builds, int count, bool end = false)
    {
        var taken = new List<string>();
        for (var i = 0; i < count; i++)
        {
            taken.Add((await builds.TakeAsync("worker", Cancellation))!.Id);
            if (end)
            {
                await EndAsync(builds, taken[^1]);
            }
        }

        return taken;
    }

    private static async Task EndAsync(BuildTable builds, string id) =>
        Assert.True(
            await builds.FinishAsync(
                (await builds.FindAsync(id, Cancellation))!.Lease,
                new() { State = BuildState.Refused },
                Cancellation
            )
        );

    private static Task<(BuildTaking Taking, StoredBuild? Build)> TellAsync(BuildTable builds, string told) =>
        builds.TakeInTurnAsync(told, "worker", held, Most, Cancellation);
}
