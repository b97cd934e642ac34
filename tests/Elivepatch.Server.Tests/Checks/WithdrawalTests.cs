using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Signing;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Sqlite;

namespace Elivepatch.Server.Tests.Checks;

/// <summary>Modules that were published before the rules of today.</summary>
public sealed class WithdrawalTests(SharedPostgres postgres) : IAsyncLifetime
{
    private readonly Scratch scratch = new();
    private PostgresAddress? address;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        scratch.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_withdraws_what_breaks_a_rule_of_today_when_it_starts(bool isShared)
    {
        await using (var old = await StartAsync(isShared))
        {
            var state = new OldState(old.Services);
            state.AddRecord();
            await state.PublishAsync("good", OldState.ModuleOf(isGood: true));
            await state.PublishAsync("bad", OldState.ModuleOf(isGood: false));
        }

        await using var server = await StartAsync(isShared);
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync(ApiRoutes.Ready, Cancellation)).StatusCode);
        var builds = server.Get<BuildTable>();
        await Waiting.UntilAsync(async () => (await builds.ListUncheckedAsync(ModuleRules.Version, 1, Cancellation)).Count == 0);
        Assert.Equal(
            (BuildState.Succeeded, ModuleRules.Version, null),
            Standing((await builds.GetStandingAsync("good", Cancellation))!)
        );
        Assert.Equal(
            (BuildState.Withdrawn, ModuleRules.Version, null),
            Standing((await builds.GetStandingAsync("bad", Cancellation))!)
        );
        Assert.Equal(["queued", "running", "succeeded", "withdrawn"], await new OldState(server.Services).StatesAsync("bad"));

        using var client = await server.WithScopesAsync(TokenScopes.Read);
        foreach (var path in new[] { ApiRoutes.Artifact("bad"), ApiRoutes.Manifest("bad") })
        {
            var refused = await Answered.RefusedAsync(await client.GetAsync(path, Cancellation), HttpStatusCode.Gone, "ELP1073");
            Assert.Contains("gone", refused.Detail, StringComparison.Ordinal);
            Assert.Contains("(rule patch-old-functions)", refused.Detail, StringComparison.Ordinal);
        }

        Assert.Equal(OldState.ModuleOf(isGood: true), await client.GetByteArrayAsync(ApiRoutes.Artifact("good"), Cancellation));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Manifest("good"), Cancellation)).StatusCode);
        var page = await Answered.ValueAsync<BuildPage>(
            await client.GetAsync(ApiRoutes.Builds + "?state=withdrawn", Cancellation)
        );
        var view = Assert.Single(page.Builds);
        Assert.True(view.IsFinal);
        Assert.Contains("patch-old-functions", view.Problems.Single().Reason, StringComparison.Ordinal);
        Assert.Contains(
            await server.Get<AuditTable>().ListAsync(100, Cancellation),
            e => e is { Action: "withdraw", Subject: "bad" }
        );
    }

    [Fact]
    public async Task What_nobody_has_checked_yet_is_checked_when_it_is_asked_for()
    {
        await using var server = await StartAsync(isShared: false);
        var state = new OldState(server.Services);
        state.AddRecord();
        await state.PublishAsync("good", OldState.ModuleOf(isGood: true));
        await state.PublishAsync("bad", OldState.ModuleOf(isGood: false));
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Artifact("good"), Cancellation)).StatusCode);
        await Answered.RefusedAsync(
            await client.GetAsync(ApiRoutes.Manifest("bad"), Cancellation),
            HttpStatusCode.Gone,
            "ELP1073"
        );
        Assert.Empty(await server.Get<BuildTable>().ListUncheckedAsync(ModuleRules.Version, 10, Cancellation));
        Assert.Equal(0, await state.Service.RunOnceAsync(Cancellation));
    }

    [Fact]
    public async Task What_cannot_be_checked_is_neither_withdrawn_nor_given_out()
    {
        await using var server = await StartAsync(isShared: false);
        var state = new OldState(server.Services);
        await state.PublishAsync("no record", OldState.ModuleOf(isGood: true));
        await state.PublishAsync("no module", OldState.ModuleOf(isGood: true), artifact: new('e', 64));
        Assert.Equal(2, await state.Service.RunOnceAsync(Cancellation));
        Assert.Equal(0, await state.Service.RunOnceAsync(Cancellation));
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        foreach (var (build, why) in new[] { ("no record", "record"), ("no module", "module is no longer in the store") })
        {
            var refused = await Answered.RefusedAsync(
                await client.GetAsync(ApiRoutes.Artifact(build), Cancellation),
                HttpStatusCode.Conflict,
                "ELP1074"
            );
            Assert.Contains(why, refused.Detail, StringComparison.Ordinal);
            Assert.True((await server.Get<BuildTable>().FindAsync(build, Cancellation))!.IsToBeBuiltAnew);
        }

        // The record may come back: another build imports the kernel. It is looked for once in a minute.
        state.AddRecord();
        await Answered.RefusedAsync(
            await client.GetAsync(ApiRoutes.Artifact("no record"), Cancellation),
            HttpStatusCode.Conflict,
            "ELP1074"
        );
        server.Clock.Passed += TimeSpan.FromMinutes(1);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Artifact("no record"), Cancellation)).StatusCode);
        Assert.False((await server.Get<BuildTable>().FindAsync("no record", Cancellation))!.IsToBeBuiltAnew);
        Assert.Equal(0, await server.Get<WithdrawalTable>().GetNewestAsync(Cancellation));
    }

    [Fact]
    public async Task A_fault_that_the_capture_shows_is_enough_to_withdraw()
    {
        await using var server = await StartAsync(isShared: false);
        var state = new OldState(server.Services);
        await state.PublishAsync("bad", OldState.ModuleOf(isGood: false));
        await state.PublishAsync("no module at all", "no ELF file"u8.ToArray());
        await state.Service.RunOnceAsync(Cancellation);
        Assert.Equal(BuildState.Withdrawn, (await server.Get<BuildTable>().FindAsync("bad", Cancellation))!.State);
        Assert.Equal(
            "ELP0601",
            (await server.Get<BuildTable>().FindAsync("no module at all", Cancellation))!.End!.Problems[0].Code
        );
    }

    [Fact]
    public async Task The_record_of_another_build_of_the_kernel_does_not_count()
    {
        await using var server = await StartAsync(isShared: false);
        var state = new OldState(server.Services);
        state.AddRecord();
        var record = Assert.Single(new Kernel.Records.KernelStore(server.Get<Kernel.Storage.CacheRoot>()).List());
        await File.AppendAllTextAsync(record.KallsymsPath, "ffffffffd0000000 t gone\t[other]\n", Cancellation);
        await state.PublishAsync("good", OldState.ModuleOf(isGood: true));
        await state.Service.RunOnceAsync(Cancellation);
        Assert.Contains(
            "record",
            (await server.Get<BuildTable>().FindAsync("good", Cancellation))!.Unchecked,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Whoever_asks_for_a_withdrawn_build_gets_it_built_anew()
    {
        await using var server = await StartAsync(isShared: false);
        var (state, builds) = (new OldState(server.Services), server.Get<BuildTable>());
        state.AddRecord();
        var bad = OldState.ModuleOf(isGood: false);
        var published = await state.PublishAsync("build", bad);
        await state.Service.RunOnceAsync(Cancellation);
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        Assert.Equal(BuildState.Withdrawn, (await ViewAsync(client, "build")).State);

        var (again, isQueued) = await builds.SubmitAsync(published, Cancellation);
        Assert.Equal((true, BuildState.Queued), (isQueued, again.State));
        Assert.Equal(
            (BuildState.Queued, null),
            ((await ViewAsync(client, "build")).State, (await ViewAsync(client, "build")).Artifact)
        );
        await Answered.RefusedAsync(
            await client.GetAsync(ApiRoutes.Artifact("build"), Cancellation),
            HttpStatusCode.NotFound,
            "ELP1010"
        );
        await state.FinishAsync((await builds.TakeAsync("worker", Cancellation))!, OldState.ModuleOf(isGood: true));
        Assert.Equal(OldState.ModuleOf(isGood: true), await client.GetByteArrayAsync(ApiRoutes.Artifact("build"), Cancellation));
        Assert.Equal(
            ["queued", "running", "succeeded", "withdrawn", "queued", "running", "succeeded"],
            await state.StatesAsync("build")
        );

        // Machines that have the former module are told for ever.
        Assert.Equal("build", (await server.Get<WithdrawalTable>().FindAsync(OldState.Digest(bad), Cancellation))!.Build);
    }

    [Fact]
    public async Task A_withdrawn_module_that_is_made_again_stays_withdrawn_until_the_rules_are_others()
    {
        await using var server = await StartAsync(isShared: false);
        var (state, builds, withdrawals) = (
            new OldState(server.Services),
            server.Get<BuildTable>(),
            server.Get<WithdrawalTable>()
        );
        state.AddRecord();
        var bad = OldState.ModuleOf(isGood: false);
        var published = await state.PublishAsync("build", bad);
        await state.Service.RunOnceAsync(Cancellation);

        await builds.SubmitAsync(published, Cancellation);
        await state.FinishAsync((await builds.TakeAsync("worker", Cancellation))!, bad);
        var ended = (await builds.FindAsync("build", Cancellation))!;
        Assert.Equal((BuildState.Withdrawn, "ELP0610"), (ended.State, ended.End!.Problems[0].Code));

        await server
            .Get<Database>()
            .ChangeAsync(
                t => Dapper.SqlMapper.ExecuteAsync(t.Connection!, "UPDATE withdrawals SET rules = 0", transaction: t),
                Cancellation
            );
        await builds.SubmitAsync(published, Cancellation);
        await state.FinishAsync((await builds.TakeAsync("worker", Cancellation))!, bad);
        Assert.Equal(BuildState.Succeeded, (await builds.FindAsync("build", Cancellation))!.State);
        Assert.Null(await withdrawals.FindAsync(OldState.Digest(bad), Cancellation));
    }

    [Fact]
    public async Task Whoever_follows_a_build_hears_that_it_is_withdrawn()
    {
        await using var server = await StartAsync(isShared: false);
        var state = new OldState(server.Services);
        state.AddRecord();
        await state.PublishAsync("build", OldState.ModuleOf(isGood: false));
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        var heard = await EventsAsync(client, "build", 0);
        Assert.Equal("succeeded", heard[^1].Detail);
        await state.Service.RunOnceAsync(Cancellation);

        // The client comes back with what it heard last, looks, and fetches: at no point is it given the module.
        var more = Assert.Single(await EventsAsync(client, "build", heard[^1].Sequence));
        Assert.Equal((BuildEventKind.State, "withdrawn"), (more.Kind, more.Detail));
        Assert.Equal(BuildState.Withdrawn, (await ViewAsync(client, "build")).State);
        await Answered.RefusedAsync(
            await client.GetAsync(ApiRoutes.Artifact("build"), Cancellation),
            HttpStatusCode.Gone,
            "ELP1073"
        );
    }

    [Fact]
    public async Task What_another_process_withdraws_is_not_given_out_and_shown_within_two_seconds()
    {
        await using var server = await StartAsync(isShared: false);
        var state = new OldState(server.Services);
        state.AddRecord();
        await state.PublishAsync("build", OldState.ModuleOf(isGood: true));
        await state.Service.RunOnceAsync(Cancellation);
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        Assert.Equal(BuildState.Succeeded, (await ViewAsync(client, "build")).State);
        await client.GetByteArrayAsync(ApiRoutes.Artifact("build"), Cancellation);

        // Behind the server's back.
        var opened = await SqliteDatabase.OpenAsync(Path.Combine(scratch.PathOf("state"), "elivepatchd.db"), Cancellation);
        await using var other = opened.Value;
        var builds = new BuildTable(other, new(other, server.Clock), server.Clock);
        Assert.True(
            await builds.WithdrawAsync(
                (await builds.FindAsync("build", Cancellation))!,
                OldState.BuildId,
                ModuleRules.Version,
                [new("ELP0610", "t", "r", "m")],
                Cancellation
            )
        );
        await Answered.RefusedAsync(
            await client.GetAsync(ApiRoutes.Artifact("build"), Cancellation),
            HttpStatusCode.Gone,
            "ELP1073"
        );
        server.Clock.Passed += TimeSpan.FromSeconds(2);
        Assert.Equal(BuildState.Withdrawn, (await ViewAsync(client, "build")).State);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_machine_that_reports_a_withdrawn_livepatch_is_told_and_listed(bool isShared)
    {
        await using var server = await StartAsync(isShared);
        var state = new OldState(server.Services);
        state.AddRecord();
        var bad = OldState.ModuleOf(isGood: false);
        await state.PublishAsync("bad", bad);
        await state.Service.RunOnceAsync(Cancellation);
        using var machine = await server.WithScopesAsync(TokenScopes.Report, TokenScopes.Read);
        using var administrator = await server.WithScopesAsync(TokenScopes.Operate);

        var told = await ReportAsync(machine, Report("web-01", OldState.Digest(bad)));
        var key = server.Get<KeyRing>().Current;
        var notice = WithdrawalNotice.Open(Assert.Single(told.Withdrawals!), [key]).Value;
        Assert.Equal((OldState.Module, OldState.Digest(bad), OldState.BuildId), (notice.Module, notice.Sha256, notice.BuildId));
        Assert.Contains("gone", notice.Problems.Single().Reason, StringComparison.Ordinal);
        Assert.Null((await ReportAsync(machine, Report("web-02", new('9', 64)))).Withdrawals);
        Assert.Null((await ReportAsync(machine, Report("web-03", OldState.Digest(bad)) with { BuildId = "00ff" })).Withdrawals);
        Assert.Null((await ReportAsync(machine, Report("web-04", OldState.Digest(bad), LivepatchStates.Loaded))).Withdrawals);
        // A machine of an earlier version says no digest: perhaps it has the one that was built anew.
        Assert.Null((await ReportAsync(machine, Report("web-05", null))).Withdrawals);
        Assert.Null(
            (
                await ReportAsync(machine, Report("web-06", null) with { Livepatches = [Livepatch(null) with { Patches = [] }] })
            ).Withdrawals
        );

        var page = await Answered.ValueAsync<WithdrawalPage>(await administrator.GetAsync(ApiRoutes.Withdrawals, Cancellation));
        var withdrawal = Assert.Single(page.Withdrawals);
        Assert.Equal(
            ("bad", OldState.Digest(bad), OldState.Release, false),
            (withdrawal.Build, withdrawal.Sha256, withdrawal.Release, withdrawal.HasMoreMachines)
        );
        Assert.Equal([("web-01", true), ("web-05", false)], withdrawal.Machines.Select(m => (m.Name, m.IsCertain)).Order());

        await Answered.RefusedAsync(
            await machine.GetAsync(ApiRoutes.Withdrawals, Cancellation),
            HttpStatusCode.Forbidden,
            "ELP1005"
        );
        var asked = await Answered.ValueAsync<WithdrawalAnswer>(
            await machine.GetAsync(ApiRoutes.Withdrawal(OldState.Digest(bad)), Cancellation)
        );
        Assert.True(WithdrawalNotice.Open(asked.Notice, [key]).Succeeded);
        Assert.Null(
            (
                await Answered.ValueAsync<WithdrawalAnswer>(
                    await machine.GetAsync(ApiRoutes.Withdrawal(new('9', 64)), Cancellation)
                )
            ).Notice
        );
        await Answered.RefusedAsync(
            await machine.GetAsync(ApiRoutes.Withdrawal("x"), Cancellation),
            HttpStatusCode.BadRequest,
            "ELP1006"
        );
        await Answered.RefusedAsync(
            await machine.PostAsJsonAsync(
                ApiRoutes.Machines,
                Report("web-01", "no digest"),
                ProtocolJson.Default.MachineReport,
                Cancellation
            ),
            HttpStatusCode.BadRequest,
            "ELP1006"
        );
    }

    [Fact]
    public async Task Withdrawals_are_listed_page_by_page_and_outlive_their_builds()
    {
        await using var server = await StartAsync(isShared: false);
        var state = new OldState(server.Services);
        state.AddRecord();
        for (var i = 0; i < 3; i++)
        {
            await state.PublishAsync($"build{i}", OldState.ModuleOf(isGood: false, i));
        }

        await state.Service.RunOnceAsync(Cancellation);
        Assert.Equal(3, await server.Get<BuildTable>().RemoveUnusedAsync(server.Clock.Now.AddDays(1), Cancellation));
        using var administrator = await server.WithScopesAsync(TokenScopes.Operate);
        var seen = new List<string>();
        long? before = null;
        do
        {
            var page = await Answered.ValueAsync<WithdrawalPage>(
                await administrator.GetAsync(
                    $"{ApiRoutes.Withdrawals}?limit=1{(before is null ? "" : $"&before={before}")}",
                    Cancellation
                )
            );
            seen.Add(Assert.Single(page.Withdrawals).Build);
            before = page.Next;
        } while (before is not null);
        Assert.Equal(["build2", "build1", "build0"], seen);
    }

    private async Task<RunningServer> StartAsync(bool isShared)
    {
        if (isShared)
        {
            address ??= await postgres.NewAsync();
        }

        return await RunningServer.StartAsync(o => isShared ? o with { Database = address } : o, scratch.PathOf("state"));
    }

    private static (BuildState State, int Checked, string? Unchecked) Standing(BuildStanding standing) =>
        (standing.State, standing.Checked, standing.Unchecked);

    private static async Task<BuildView> ViewAsync(HttpClient client, string build) =>
        await Answered.ValueAsync<BuildView>(await client.GetAsync(ApiRoutes.Build(build), Cancellation));

    private static async Task<MachineView> ReportAsync(HttpClient client, MachineReport report) =>
        await Answered.ValueAsync<MachineView>(
            await client.PostAsJsonAsync(ApiRoutes.Machines, report, ProtocolJson.Default.MachineReport, Cancellation)
        );

    private static MachineReport Report(string name, string? sha256, string state = LivepatchStates.Live) =>
        new()
        {
            Name = name,
            Release = OldState.Release,
            BuildId = OldState.BuildId,
            Version = "0.1.0",
            Livepatches = [Livepatch(sha256) with { State = state }],
        };

    private static ReportedLivepatch Livepatch(string? sha256) =>
        new()
        {
            Name = OldState.Module,
            Sha256 = sha256,
            State = LivepatchStates.Live,
            IsOurs = true,
            Patches = OldState.Patches,
        };

    private static async Task<IReadOnlyList<BuildEvent>> EventsAsync(HttpClient client, string build, long after)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, ApiRoutes.Events(build));
        if (after > 0)
        {
            request.Headers.Add("Last-Event-ID", $"{after}");
        }

        using var answer = await client.SendAsync(request, Cancellation);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        return
        [
            .. text.Split('\n')
                .Where(l => l.StartsWith("data:", StringComparison.Ordinal))
                .Select(l => JsonSerializer.Deserialize(l[5..], ProtocolJson.Default.BuildEvent)!),
        ];
    }
}
