using Elivepatch.Engine.SelfCheck;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Sqlite;

namespace Elivepatch.Server.Tests.Checks;

/// <summary>Whoever checks published modules may be killed, hang, or not be alone.</summary>
public sealed class InterruptedAuditTests(SharedPostgres postgres) : IDisposable
{
    private readonly Scratch scratch = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        scratch.Dispose();
    }

    [Fact]
    public async Task A_server_killed_half_way_goes_on_where_it_was()
    {
        string blob;
        var second = OldState.ModuleOf(isGood: false, 2);
        await using (var old = await RunningServer.StartAsync(state: scratch.PathOf("state")))
        {
            var state = new OldState(old.Services);
            state.AddRecord();
            await state.PublishAsync("a", OldState.ModuleOf(isGood: false, 1));
            await state.PublishAsync("b", second);
            await state.PublishAsync("c", OldState.ModuleOf(isGood: true));
            blob = await old.Get<BlobStore>().PathAsync(OldState.Digest(second), Cancellation);
        }

        // A pipe in place of the second module: reading it does not end.
        File.Delete(blob);
        await DaemonProgram.RunAsync("mkfifo", blob);
        using (var killed = await ServerProcess.StartAsync([], scratch.PathOf("state"), "known", "--test-policy", "off"))
        {
            await WithStateAsync(async builds =>
                await Waiting.UntilAsync(async () => await builds.FindAsync("a", Cancellation) is { State: BuildState.Withdrawn })
            );
            killed.Kill();
        }

        File.Delete(blob);
        await File.WriteAllBytesAsync(blob, second, Cancellation);
        await WithStateAsync(async builds =>
            Assert.Equal(["b", "c"], (await builds.ListUncheckedAsync(ModuleRules.Version, 10, Cancellation)).Select(b => b.Id))
        );
        await using var server = await RunningServer.StartAsync(state: scratch.PathOf("state"));
        var again = new OldState(server.Services);
        // The killed one still has the chore for a minute.
        server.Clock.Now = DateTimeOffset.UtcNow.AddMinutes(2);
        await Waiting.UntilAsync(async () =>
        {
            await again.Service.RunOnceAsync(Cancellation);
            return (await server.Get<BuildTable>().ListUncheckedAsync(ModuleRules.Version, 10, Cancellation)).Count == 0;
        });
        foreach (var build in new[] { "a", "b" })
        {
            Assert.Equal(["queued", "running", "succeeded", "withdrawn"], await again.StatesAsync(build));
        }

        Assert.Equal(BuildState.Succeeded, (await server.Get<BuildTable>().GetStandingAsync("c", Cancellation))!.State);
    }

    [Fact]
    public async Task Two_servers_at_once_withdraw_each_module_once()
    {
        const int count = 12;
        var address = await postgres.NewAsync();
        await using var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        var states = new[] { new OldState(one.Services), new OldState(two.Services) };
        foreach (var state in states)
        {
            state.AddRecord();
        }

        for (var i = 0; i < count; i++)
        {
            await states[0].PublishAsync($"build{i}", OldState.ModuleOf(isGood: i % 3 == 0, i));
        }

        await Waiting.UntilAsync(async () =>
        {
            await Task.WhenAll(states.Select(s => Task.Run(() => s.Service.RunOnceAsync(Cancellation))));
            return (await two.Get<BuildTable>().ListUncheckedAsync(ModuleRules.Version, 1, Cancellation)).Count == 0;
        });
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(
                (string[])["queued", "running", "succeeded", .. i % 3 == 0 ? (string[])[] : ["withdrawn"]],
                await states[1].StatesAsync($"build{i}")
            );
        }

        Assert.Equal(count - (count / 3), (await two.Get<WithdrawalTable>().ListAsync(null, 100, Cancellation)).Count);
        Assert.Equal(
            count - (count / 3),
            (await one.Get<AuditTable>().ListAsync(100, Cancellation)).Count(e => e.Action == "withdraw")
        );

        Task<RunningServer> StartAsync(string name) =>
            RunningServer.StartAsync(
                o => o with { Database = address, KeysFolder = scratch.PathOf("keys") },
                scratch.PathOf(name)
            );
    }

    [Fact]
    public async Task One_that_hangs_holds_the_others_up_for_a_minute()
    {
        await using var server = await RunningServer.StartAsync(state: scratch.PathOf("state"));
        var (state, chores) = (new OldState(server.Services), server.Get<ChoreTable>());
        state.AddRecord();
        await state.PublishAsync("bad", OldState.ModuleOf(isGood: false));
        Assert.True(await chores.TakeAsync("check artifacts", "another", TimeSpan.FromMinutes(1), Cancellation));
        Assert.Equal(0, await state.Service.RunOnceAsync(Cancellation));
        server.Clock.Now += TimeSpan.FromMinutes(1) + TimeSpan.FromSeconds(1);
        Assert.Equal(1, await state.Service.RunOnceAsync(Cancellation));
        Assert.Equal(BuildState.Withdrawn, (await server.Get<BuildTable>().GetStandingAsync("bad", Cancellation))!.State);
    }

    [Fact]
    public async Task A_chore_is_let_go_and_one_of_the_future_is_nobodys()
    {
        await using var server = await RunningServer.StartAsync(state: scratch.PathOf("state"));
        var chores = server.Get<ChoreTable>();
        Assert.True(await chores.TakeAsync("chore", "one", TimeSpan.FromMinutes(1), Cancellation));
        Assert.True(await chores.TakeAsync("chore", "one", TimeSpan.FromMinutes(1), Cancellation));
        Assert.False(await chores.TakeAsync("chore", "two", TimeSpan.FromMinutes(1), Cancellation));
        await chores.ReleaseAsync("chore", "two", Cancellation);
        Assert.False(await chores.TakeAsync("chore", "two", TimeSpan.FromMinutes(1), Cancellation));
        await chores.ReleaseAsync("chore", "one", Cancellation);
        Assert.True(await chores.TakeAsync("chore", "two", TimeSpan.FromMinutes(1), Cancellation));
        // The clock was a year ahead when it was taken.
        server.Clock.Now -= TimeSpan.FromDays(365);
        Assert.True(await chores.TakeAsync("chore", "one", TimeSpan.FromMinutes(1), Cancellation));
    }

    private async Task WithStateAsync(Func<BuildTable, Task> look)
    {
        var opened = await SqliteDatabase.OpenAsync(Path.Combine(scratch.PathOf("state"), "elivepatchd.db"), Cancellation);
        await using var database = opened.Value;
        await look(new(database, new(database, TimeProvider.System), TimeProvider.System));
    }
}
