using System.Text.Json;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.State;
using Elivepatch.Server.Tests.Checks;

namespace Elivepatch.Server.Tests.Commands;

/// <summary><c>elivepatchd audit artifacts</c>, beside a server that runs on the same state.</summary>
public sealed class AuditArtifactsTests(SharedPostgres postgres) : IDisposable
{
    private readonly CommandRun run = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        run.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_published_module_is_checked_and_what_fails_is_withdrawn(bool isShared)
    {
        var address = isShared ? await postgres.NewTextAsync() : null;
        if (address is not null)
        {
            run.Variables["ELIVEPATCHD_DATABASE"] = address;
        }

        await using var server = await RunningServer.StartAsync(
            o => address is null ? o : o with { Database = PostgresAddress.Parse(address).Value },
            run.State
        );
        var state = new OldState(server.Services);
        state.AddRecord();
        await state.PublishAsync("bad", OldState.ModuleOf(isGood: false));
        await state.PublishAsync("good", OldState.ModuleOf(isGood: true));
        await state.PublishAsync("lost", OldState.ModuleOf(isGood: true), artifact: new('e', 64));

        Assert.Equal(4, await run.RunAsync("audit", "artifacts", "--dry-run"));
        Assert.Matches("(?m)^withdrawn +bad +fake +6.12.117-fake +ELP0610 .*gone", run.Output);
        Assert.Matches("(?m)^kept +good +fake", run.Output);
        Assert.Matches("(?m)^unchecked +lost +fake .*the module is no longer in the store", run.Output);
        Assert.EndsWith(
            $"rule set {ModuleRules.Version}: 1 kept, 1 withdrawn or to be withdrawn, 1 unchecked; nothing was changed\n",
            run.Output,
            StringComparison.Ordinal
        );
        Assert.Equal(3, (await server.Get<BuildTable>().ListUncheckedAsync(ModuleRules.Version, 10, Cancellation)).Count);

        Assert.Equal(4, await run.RunAsync("audit", "artifacts", "--json"));
        var report = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(
            (ModuleRules.Version, false),
            (report.GetProperty("rules").GetInt32(), report.GetProperty("isDryRun").GetBoolean())
        );
        Assert.Equal(
            [("bad", "withdrawn"), ("good", "kept"), ("lost", "unchecked")],
            report
                .GetProperty("builds")
                .EnumerateArray()
                .Select(b => (b.GetProperty("build").GetString(), b.GetProperty("result").GetString()))
        );
        Assert.Empty(await server.Get<BuildTable>().ListUncheckedAsync(ModuleRules.Version, 10, Cancellation));
        Assert.Equal(BuildState.Withdrawn, (await server.Get<BuildTable>().GetStandingAsync("bad", Cancellation))!.State);

        // To do it again changes nothing, and still says so.
        Assert.Equal(4, await run.RunAsync("audit", "artifacts"));
        Assert.Matches("(?m)^withdrawn +bad +fake", run.Output);
        Assert.Equal(["queued", "running", "succeeded", "withdrawn"], await state.StatesAsync("bad"));
    }

    [Fact]
    public async Task Where_every_module_keeps_the_rules_the_status_is_zero()
    {
        await using (var server = await RunningServer.StartAsync(state: run.State))
        {
            var state = new OldState(server.Services);
            state.AddRecord();
            Assert.Equal(0, await run.RunAsync("audit", "artifacts"));
            Assert.Equal("no module has been published\n", run.Output);
            await state.PublishAsync("good", OldState.ModuleOf(isGood: true));
        }

        // Without a server as well.
        Assert.Equal(0, await run.RunAsync("audit", "artifacts"));
        Assert.StartsWith("RESULT ", run.Output, StringComparison.Ordinal);
        Assert.Equal("", run.Error);
    }

    [Fact]
    public async Task It_leaves_alone_what_the_server_is_being_sent()
    {
        await using var server = await RunningServer.StartAsync(state: run.State);
        var incoming = Path.Combine(run.State, "blobs", "incoming", "upload");
        await File.WriteAllTextAsync(incoming, "half", Cancellation);
        Assert.Equal(0, await run.RunAsync("audit", "artifacts"));
        Assert.True(File.Exists(incoming));
    }

    [Fact]
    public async Task The_audit_log_is_shown_as_before_and_the_help_teaches_both()
    {
        Assert.Equal(0, await run.RunAsync("audit", "--last", "5"));
        Assert.StartsWith("TIME ", run.Output, StringComparison.Ordinal);
        Assert.Equal(0, await run.RunAsync("audit", "--help"));
        Assert.Contains("artifacts", run.Output, StringComparison.Ordinal);
        Assert.Equal(0, await run.RunAsync("audit", "artifacts", "--help"));
        Assert.Contains("--dry-run", run.Output, StringComparison.Ordinal);
        Assert.Contains("Exit status: 0", run.Output, StringComparison.Ordinal);
        Assert.Equal(2, await run.RunAsync("audit", "artefacts"));
    }
}
