using System.Data.Common;
using Dapper;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Tests.State;

/// <summary>What the database keeps, whatever happens around it; the same for each kind of database.</summary>
public abstract class StateTests
{
    private readonly SetClock clock = new();

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_state_of_a_newer_version_is_refused_and_left_alone()
    {
        var database = await OpenAsync();
        await database.ChangeAsync(
            t => t.Connection!.ExecuteAsync("INSERT INTO schema_version (number) VALUES (999)", transaction: t),
            Cancellation
        );
        var opened = await TryOpenAsync();
        var problem = Assert.Single(opened.Problems);
        Assert.Equal("ELP1016", problem.Code.Id);
        Assert.Contains("used by a newer one", problem.Reason, StringComparison.Ordinal);
        Assert.Equal(
            999,
            await database.ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT MAX(number) FROM schema_version"), Cancellation)
        );
    }

    [Fact]
    public async Task What_was_committed_is_there_after_a_restart()
    {
        var (kernels, builds, events, tokens) = Tables(await OpenAsync());
        await RunningServer.AddBuildAsync(kernels, builds, "build", clock.Now);
        await builds.TakeAsync("worker", Cancellation);
        await events.AddAsync("build", new(0, default, BuildEventKind.Log, "", "line"), Cancellation);
        await tokens.AddAsync(new("id", "name", "hash", ["read", "submit"], clock.Now, clock.Now.AddDays(1)), Cancellation);

        (_, builds, events, tokens) = Tables(await OpenAsync());
        var build = (await builds.FindAsync("build", Cancellation))!;
        Assert.Equal((BuildState.Running, 1), (build.State, build.Attempts));
        Assert.Equal(["queued", "running", "line"], (await events.ReadAsync("build", 0, 10, Cancellation)).Select(e => e.Detail));
        var token = (await tokens.FindByHashAsync("hash", Cancellation))!;
        Assert.Equal(["read", "submit"], token.Scopes);
        Assert.Equal((clock.Now, clock.Now.AddDays(1)), (token.Created, token.Expires));
        Assert.Equal(["build"], await builds.RequeueInterruptedAsync(silentFor: null, Cancellation));
        Assert.Equal(BuildState.Queued, (await builds.FindAsync("build", Cancellation))!.State);
        Assert.Empty(await builds.RequeueInterruptedAsync(silentFor: null, Cancellation));
    }

    [Fact]
    public async Task Builds_are_found_by_what_they_are_called()
    {
        var (kernels, builds, _, _) = Tables(await OpenAsync());
        await RunningServer.AddBuildAsync(kernels, builds, "one", clock.Now);
        var other = (await builds.FindAsync("one", Cancellation))! with
        {
            Id = "two",
            Patches = [new("100%_Done!.patch", new('c', 64))],
            Requester = "WEB-01",
            Submitted = clock.Now.AddSeconds(1),
        };
        await builds.SubmitAsync(other, Cancellation);
        foreach (var text in new[] { "100%_done!", "DONE", "web-01", "%", "_", "!", "TWO" })
        {
            Assert.Equal(["two"], await FindAsync(new() { Text = text }));
        }

        foreach (var text in new[] { "sha256", "name", "%e", "'", "cccc", "0001" })
        {
            Assert.Empty(await FindAsync(new() { Text = text }));
        }

        Assert.Equal(["two", "one"], await FindAsync(new() { Kernel = "kernel", Text = "6.12.0" }));
        Assert.Equal(["one"], await FindAsync(new() { After = "two", State = BuildState.Queued }));
        Assert.Empty(await FindAsync(new() { State = BuildState.Running }));
        Assert.Equal(2, (await builds.CountByStateAsync(Cancellation))[BuildState.Queued]);
        Assert.Equal(2, (await builds.CountByKernelAsync(Cancellation))["kernel"]);

        async Task<IEnumerable<string>> FindAsync(BuildSearch search) =>
            (await builds.SearchAsync(search, 10, Cancellation)).Select(b => b.Id);
    }

    [Fact]
    public async Task Stages_and_states_are_told_apart_from_lines_that_look_like_them()
    {
        var (kernels, builds, events, _) = Tables(await OpenAsync());
        await RunningServer.AddBuildAsync(kernels, builds, "build", clock.Now);
        await events.AddAsync("build", new(0, default, BuildEventKind.Log, "", "\"kind\":\"stage\""), Cancellation);
        await events.AddAsync("build", new(0, default, BuildEventKind.Stage, "link", "", "done"), Cancellation);
        Assert.Equal(
            ["state", "stage"],
            (await events.ReadStagesAsync("build", 10, Cancellation)).Select(e => e.Kind.ToString().ToLowerInvariant())
        );
        Assert.Equal([2L, 3L], (await events.ReadLastAsync("build", 2, Cancellation)).Select(e => e.Sequence));
    }

    [Fact]
    public async Task A_machine_is_forgotten_when_it_is_silent_and_a_token_has_so_many_at_most()
    {
        var machines = new MachineTable(await OpenAsync());
        Assert.NotNull(await ReportAsync("b", clock.Now));
        Assert.NotNull(await ReportAsync("a", clock.Now.AddDays(-40)));
        Assert.Null(await ReportAsync("c", clock.Now));
        Assert.NotNull(await ReportAsync("b", clock.Now.AddMinutes(1)));
        Assert.Equal(["a", "b"], (await machines.ListAsync(null, null, 10, Cancellation)).Select(m => m.Report.Name));
        Assert.Equal(["b"], (await machines.ListAsync("6.12", "a", 10, Cancellation)).Select(m => m.Report.Name));
        Assert.Empty(await machines.ListAsync("%", null, 10, Cancellation));
        Assert.Equal(1, await machines.RemoveOldAsync(clock.Now.AddDays(-30), Cancellation));
        Assert.Null(await machines.FindAsync("a", Cancellation));
        Assert.NotNull(await ReportAsync("c", clock.Now));

        Task<StoredMachine?> ReportAsync(string name, DateTimeOffset time) =>
            machines.ReportAsync(
                new(
                    name,
                    "token",
                    "ops",
                    new()
                    {
                        Name = name,
                        Release = "6.12.5",
                        BuildId = "00",
                        Version = "1",
                    },
                    time,
                    time
                ),
                2,
                Cancellation
            );
    }

    [Fact]
    public async Task A_hundred_equal_submissions_at_once_are_one_build_that_is_queued_once()
    {
        var (kernels, builds, events, _) = Tables(await OpenAsync());
        await RunningServer.AddBuildAsync(kernels, builds, "other", clock.Now);
        var build = (await builds.FindAsync("other", Cancellation))! with { Id = "build" };
        var submitted = await Task.WhenAll(
            Enumerable
                .Range(0, 100)
                .Select(i => Task.Run(() => builds.SubmitAsync(build with { Token = $"token {i}" }, Cancellation)))
        );
        Assert.Single(submitted, s => s.IsQueued);
        Assert.Single(submitted.Select(s => s.Build.Token).Distinct());
        Assert.Equal(2, (await builds.ListAsync(null, null, 1000, Cancellation)).Count);
        Assert.Single(await events.ReadAsync("build", 0, 1000, Cancellation));
    }

    [Fact]
    public async Task Builders_that_take_at_once_never_take_the_same()
    {
        var (kernels, builds, _, _) = Tables(await OpenAsync());
        for (var i = 0; i < 20; i++)
        {
            await RunningServer.AddBuildAsync(kernels, builds, $"build {i}", clock.Now);
        }

        var taken = await Task.WhenAll(
            Enumerable.Range(0, 40).Select(_ => Task.Run(() => builds.TakeAsync("worker", Cancellation)))
        );
        Assert.Equal(20, taken.Count(t => t is not null));
        Assert.Equal(20, taken.Where(t => t is not null).Select(t => t!.Id).Distinct().Count());
    }

    [Fact]
    public async Task A_build_ends_once()
    {
        var (kernels, builds, events, _) = Tables(await OpenAsync());
        await RunningServer.AddBuildAsync(kernels, builds, "build", clock.Now);
        await builds.TakeAsync("worker", Cancellation);
        var ended = await Task.WhenAll(
            new[] { BuildState.Succeeded, BuildState.Failed, BuildState.Refused, BuildState.Cancelled }.Select(s =>
                Task.Run(() => builds.FinishAsync(new("build", "worker", 1), new() { State = s }, Cancellation))
            )
        );
        Assert.Single(ended, e => e);
        var build = (await builds.FindAsync("build", Cancellation))!;
        Assert.Equal(build.State, build.End!.State);
        Assert.Equal(3, (await events.ReadAsync("build", 0, 100, Cancellation)).Count);
        Assert.Null(await builds.TakeAsync("worker", Cancellation));
    }

    [Fact]
    public async Task A_build_that_failed_can_be_asked_for_again_and_a_refused_one_stays()
    {
        var (kernels, builds, _, _) = Tables(await OpenAsync());
        foreach (
            var (id, state, again) in new[]
            {
                ("failed", BuildState.Failed, true),
                ("cancelled", BuildState.Cancelled, true),
                ("refused", BuildState.Refused, false),
                ("succeeded", BuildState.Succeeded, false),
            }
        )
        {
            var build = await RunningServer.AddBuildAsync(kernels, builds, id, clock.Now);
            await builds.TakeAsync("worker", Cancellation);
            await builds.FinishAsync(new(id, "worker", 1), new() { State = state }, Cancellation);
            var (now, isQueued) = await builds.SubmitAsync(build, Cancellation);
            Assert.Equal((again, again ? BuildState.Queued : state), (isQueued, now.State));
            if (again)
            {
                await builds.TakeAsync("worker", Cancellation);
            }
        }
    }

    [Fact]
    public async Task A_log_without_end_is_cut_and_its_end_is_told()
    {
        var database = await OpenAsync();
        var (kernels, builds, events, _) = Tables(database);
        await RunningServer.AddBuildAsync(kernels, builds, "build", clock.Now);
        await builds.TakeAsync("worker", Cancellation);
        await database.ChangeAsync(
            async t =>
            {
                for (var i = 0; i < BuildEventTable.MostEvents + 100; i++)
                {
                    await events.AddAsync("build", new(0, default, BuildEventKind.Log, "", "line"), t);
                }

                return 0;
            },
            Cancellation
        );
        await builds.FinishAsync(new("build", "worker", 1), new() { State = BuildState.Failed }, Cancellation);
        var tail = await events.ReadAsync("build", BuildEventTable.MostEvents - 2, 100, Cancellation);
        Assert.Equal(["line", "(the log is cut here)", "failed"], tail.Select(e => e.Detail));
    }

    [Fact]
    public async Task Events_of_many_at_once_are_numbered_without_gap()
    {
        var (kernels, builds, events, _) = Tables(await OpenAsync());
        await RunningServer.AddBuildAsync(kernels, builds, "build", clock.Now);
        await Task.WhenAll(
            Enumerable
                .Range(0, 50)
                .Select(i =>
                    Task.Run(() => events.AddAsync("build", new(0, default, BuildEventKind.Log, "", $"{i}"), Cancellation))
                )
        );
        Assert.Equal(
            Enumerable.Range(1, 51).Select(i => (long)i),
            (await events.ReadAsync("build", 0, 100, Cancellation)).Select(e => e.Sequence)
        );
    }

    [Fact]
    public async Task A_change_that_fails_half_way_changes_nothing()
    {
        var database = await OpenAsync();
        var (kernels, builds, events, _) = Tables(database);
        await RunningServer.AddBuildAsync(kernels, builds, "build", clock.Now);
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            database.ChangeAsync<int>(
                async t =>
                {
                    await events.AddAsync("build", new(0, default, BuildEventKind.Log, "", "half"), t);
                    throw new InvalidOperationException();
                },
                Cancellation
            )
        );
        Assert.Single(await events.ReadAsync("build", 0, 10, Cancellation));
    }

    [Fact]
    public async Task Audit_entries_of_many_at_once_are_all_kept_and_there_when_it_is_said()
    {
        var audit = new AuditTable(await OpenAsync(), clock);
        await Task.WhenAll(
            Enumerable
                .Range(0, 500)
                .Select(i =>
                    Task.Run(async () =>
                    {
                        await audit.AddAsync(new("", default, "token", "name", "address", "action", $"{i}", 200), Cancellation);
                        if (i % 50 == 0)
                        {
                            Assert.Contains(await audit.ListAsync(1000, Cancellation), e => e.Subject == $"{i}");
                        }
                    })
                )
        );
        var entries = await audit.ListAsync(1000, Cancellation);
        Assert.Equal(500, entries.Select(e => e.Subject).Distinct().Count());
        Assert.All(entries, e => Assert.Equal(new(e.Id, e.Time, "token", "name", "address", "action", e.Subject, 200), e));
    }

    [Fact]
    public async Task An_audit_entry_that_cannot_be_kept_is_reported_to_whoever_made_it()
    {
        var database = await OpenAsync();
        await database.ChangeAsync(t => t.Connection!.ExecuteAsync("DROP TABLE audit", transaction: t), Cancellation);
        var audit = new AuditTable(database, clock);
        for (var i = 0; i < 2; i++)
        {
            await Assert.ThrowsAnyAsync<DbException>(() => audit.AddAsync(new("", default, "", "", "", "", "", 0), Cancellation));
        }
    }

    [Fact]
    public async Task Tokens_of_equal_secrets_cannot_be()
    {
        var (_, _, _, tokens) = Tables(await OpenAsync());
        await tokens.AddAsync(new("one", "n", "hash", ["read"], clock.Now), Cancellation);
        await Assert.ThrowsAnyAsync<DbException>(() =>
            tokens.AddAsync(new("two", "n", "hash", ["read"], clock.Now), Cancellation)
        );
    }

    /// <summary>Opens the test's state; again is the server after a restart.</summary>
    protected abstract Task<Outcome<Database>> TryOpenAsync();

    protected async Task<Database> OpenAsync() => (await TryOpenAsync()).Value;

    private (KernelTable Kernels, BuildTable Builds, BuildEventTable Events, TokenTable Tokens) Tables(Database database)
    {
        var events = new BuildEventTable(database, clock);
        return (new(database), new(database, events, clock), events, new(database));
    }
}
