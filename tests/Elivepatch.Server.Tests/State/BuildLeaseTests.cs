using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Sqlite;

namespace Elivepatch.Server.Tests.State;

/// <summary>Who holds a build, and who does not any more.</summary>
public sealed class BuildLeaseTests : IDisposable
{
    private const int Most = 3;
    private static readonly TimeSpan held = TimeSpan.FromSeconds(10);

    private readonly Scratch scratch = new();
    private readonly SetClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task A_build_that_a_living_worker_runs_is_not_taken_from_it()
    {
        var builds = await OpenAsync();
        var first = await BeginAsync(builds, "one");
        clock.Now += TimeSpan.FromSeconds(9);
        Assert.NotNull(await builds.RenewAsync(first!.Lease, Cancellation));
        clock.Now += TimeSpan.FromSeconds(9);
        Assert.Equal(BuildTaking.Held, (await builds.BeginAsync("build", "two", held, Most, Cancellation)).Taking);
        Assert.True(await builds.FinishAsync(first.Lease, new() { State = BuildState.Succeeded }, Cancellation));
        Assert.Equal(BuildTaking.Over, (await builds.BeginAsync("build", "two", held, Most, Cancellation)).Taking);
    }

    [Fact]
    public async Task What_a_worker_says_that_was_thought_dead_is_not_taken()
    {
        var builds = await OpenAsync();
        var first = await BeginAsync(builds, "one");
        clock.Now += TimeSpan.FromSeconds(11);
        var second = await BeginAsync(builds, "two");
        Assert.Equal(("two", 2), (second!.Worker, second.Attempts));
        Assert.Null(await builds.RenewAsync(first!.Lease, Cancellation));
        Assert.False(await builds.FinishAsync(first.Lease, new() { State = BuildState.Succeeded }, Cancellation));
        Assert.False(await builds.RequeueAsync(first.Lease, Cancellation));
        Assert.Equal(BuildState.Running, (await builds.FindAsync("build", Cancellation))!.State);
        Assert.True(await builds.FinishAsync(second.Lease, new() { State = BuildState.Refused }, Cancellation));
        Assert.Equal(BuildState.Refused, (await builds.FindAsync("build", Cancellation))!.State);
    }

    [Fact]
    public async Task A_build_whose_workers_die_ends_as_failed_and_can_be_asked_for_again()
    {
        var builds = await OpenAsync();
        for (var attempt = 1; attempt <= Most; attempt++)
        {
            Assert.Equal(attempt, (await BeginAsync(builds, $"worker {attempt}"))!.Attempts);
            clock.Now += TimeSpan.FromSeconds(11);
        }

        var (taking, build) = await builds.BeginAsync("build", "one more", held, Most, Cancellation);
        Assert.Equal((BuildTaking.Over, BuildState.Failed), (taking, build!.State));
        Assert.Equal(ServiceProblems.BuildAbandoned.Id, Assert.Single(build.End!.Problems).Code);
        Assert.True((await builds.SubmitAsync(build, Cancellation)).IsQueued);
        Assert.Equal(1, (await BeginAsync(builds, "worker 5"))!.Attempts);
    }

    [Fact]
    public async Task Many_workers_that_begin_the_same_build_at_once_get_it_once()
    {
        var builds = await OpenAsync();
        var begun = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(i => Task.Run(() => builds.BeginAsync("build", $"worker {i}", held, Most, Cancellation)))
        );
        Assert.Single(begun, b => b.Taking == BuildTaking.Taken);
        Assert.Equal(19, begun.Count(b => b.Taking == BuildTaking.Held));
    }

    [Fact]
    public async Task A_build_that_was_cancelled_while_its_worker_died_ends_as_cancelled()
    {
        var builds = await OpenAsync();
        await BeginAsync(builds, "one");
        await builds.CancelAsync("build", Cancellation);
        clock.Now += TimeSpan.FromSeconds(11);
        var (taking, build) = await builds.BeginAsync("build", "two", held, Most, Cancellation);
        Assert.Equal((BuildTaking.Over, BuildState.Cancelled), (taking, build!.State));
    }

    [Fact]
    public async Task Only_what_silent_workers_ran_is_queued_again()
    {
        var builds = await OpenAsync();
        var build = await BeginAsync(builds, "one");
        Assert.Empty(await builds.RequeueInterruptedAsync(held, Cancellation));
        clock.Now += TimeSpan.FromSeconds(11);
        Assert.Equal(["build"], await builds.RequeueInterruptedAsync(held, Cancellation));
        Assert.False(await builds.FinishAsync(build!.Lease, new() { State = BuildState.Succeeded }, Cancellation));
    }

    [Fact]
    public async Task What_a_dead_worker_held_before_the_clock_was_set_back_goes_on()
    {
        var builds = await OpenAsync();
        clock.Now += TimeSpan.FromDays(365);
        await BeginAsync(builds, "one");
        clock.Now -= TimeSpan.FromDays(365);
        Assert.Equal(["build"], await builds.RequeueInterruptedAsync(held, Cancellation));
        clock.Now += TimeSpan.FromDays(365);
        await BeginAsync(builds, "two");
        clock.Now -= TimeSpan.FromDays(365);
        Assert.Equal(BuildTaking.Taken, (await builds.BeginAsync("build", "three", held, Most, Cancellation)).Taking);
    }

    [Fact]
    public async Task A_build_that_nobody_can_take_ends_unless_somebody_has_it()
    {
        var builds = await OpenAsync();
        var problem = new Problem(ServiceProblems.BuildAbandoned, "nobody");
        Assert.True(await builds.FailQueuedAsync("build", problem, Cancellation));
        Assert.False(await builds.FailQueuedAsync("build", problem, Cancellation));
        await builds.SubmitAsync((await builds.FindAsync("build", Cancellation))!, Cancellation);
        await BeginAsync(builds, "one");
        Assert.False(await builds.FailQueuedAsync("build", problem, Cancellation));
    }

    private static async Task<StoredBuild?> BeginAsync(BuildTable builds, string worker) =>
        (await builds.BeginAsync("build", worker, held, Most, Cancellation)).Build;

    private async Task<BuildTable> OpenAsync()
    {
        var database = await SqliteDatabase.OpenAsync(scratch.PathOf("database"), Cancellation);
        var builds = new BuildTable(database.Value, new(database.Value, clock), clock);
        await RunningServer.AddBuildAsync(new(database.Value), builds, "build", clock.Now);
        return builds;
    }
}
