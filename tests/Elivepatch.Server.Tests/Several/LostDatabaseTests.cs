using System.Net;
using System.Text;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Postgres;
using Elivepatch.Server.Tests.Builds;

namespace Elivepatch.Server.Tests.Several;

/// <summary>A database that goes away and comes back.</summary>
public sealed class LostDatabaseTests : IAsyncLifetime
{
    private readonly Scratch scratch = new();
    private PostgresCluster cluster = null!;
    private PostgresAddress address = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        cluster = await PostgresCluster.StartAsync();
        address = PostgresAddress.Parse(await cluster.NewDatabaseAsync()).Value;
    }

    public async ValueTask DisposeAsync()
    {
        await cluster.DisposeAsync();
        scratch.Dispose();
    }

    [Fact]
    public async Task Requests_are_answered_with_503_until_it_is_back_and_then_as_before()
    {
        await using var server = await RunningServer.StartAsync(o => o with { Database = address }, scratch.PathOf("state"));
        using var client = await server.WithScopesAsync(TokenScopes.Read, TokenScopes.Submit, TokenScopes.Operate);
        await server.AddBuildAsync("build");
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);

        await cluster.StopAsync();
        for (var i = 0; i < 3; i++)
        {
            using var refused = await client.GetAsync(ApiRoutes.Builds, Cancellation);
            await Answered.RefusedAsync(refused, HttpStatusCode.ServiceUnavailable, "ELP1050");
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        await Answered.RefusedAsync(
            await client.PostAsync(ApiRoutes.Cancel("build"), null, Cancellation),
            HttpStatusCode.ServiceUnavailable,
            "ELP1050"
        );
        using (var ready = await server.Client.GetAsync(ApiRoutes.Ready, Cancellation))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
            Assert.DoesNotContain(
                PostgresCluster.User,
                await ready.Content.ReadAsStringAsync(Cancellation),
                StringComparison.Ordinal
            );
        }

        await cluster.StartServerAsync();
        // The first request already: connections that did not survive are no concern of a client.
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        }

        Assert.Equal(
            BuildState.Cancelled,
            (await Answered.ValueAsync<BuildView>(await client.PostAsync(ApiRoutes.Cancel("build"), null, Cancellation))).State
        );
    }

    [Fact]
    public async Task A_restart_between_two_requests_is_not_noticed()
    {
        await using var server = await RunningServer.StartAsync(o => o with { Database = address }, scratch.PathOf("state"));
        using var client = await server.WithScopesAsync(TokenScopes.Read, TokenScopes.Operate);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.GetAsync(ApiRoutes.Builds, Cancellation)));
        await cluster.StopAsync();
        await cluster.StartServerAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.GetAsync(ApiRoutes.Builds, Cancellation)));
        Assert.All(answers, a => Assert.Equal(HttpStatusCode.OK, a.StatusCode));
    }

    [Fact]
    public async Task A_build_in_mid_flight_goes_on_and_its_result_is_kept_when_it_is_back()
    {
        await using var database = (await PostgresDatabase.OpenAsync(address, Cancellation)).Value;
        using var bench = await Workbench.OpenAsync(folder: scratch.Folder, shared: database);
        await bench.AddKernelAsync();
        var (begun, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        var runs = 0;
        using var dispatcher = bench.Dispatcher(
            async (_, journal, cancellation) =>
            {
                Interlocked.Increment(ref runs);
                begun.TrySetResult();
                await end.Task.WaitAsync(cancellation);
                journal.Report(new(0, default, BuildEventKind.Log, "", "line"));
                return new() { Module = "m", Artifact = "module"u8.ToArray() };
            }
        );
        await dispatcher.StartAsync(Cancellation);
        var build = await bench.SubmitAsync();
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);

        await cluster.StopAsync();
        end.SetResult();
        // It cannot store its result meanwhile.
        await Task.Delay(1000, Cancellation);
        await cluster.StartServerAsync();
        var ended = await bench.EndOfAsync(build.Id);
        await dispatcher.StopAsync(Cancellation);
        Assert.Equal((BuildState.Succeeded, 1, 1), (ended.State, ended.Attempts, runs));
        // Not even the log has a gap.
        Assert.Equal(
            ["queued", "running", "line", "succeeded"],
            (await bench.Events.ReadAsync(build.Id, 0, 100, Cancellation)).Select(e => e.Detail)
        );
        Assert.Equal("module", Encoding.UTF8.GetString(await bench.Blobs.ReadAsync(ended.End!.Artifact!, Cancellation)));
    }

    [Fact]
    public async Task A_change_that_the_restart_undid_is_not_there_and_one_that_was_answered_is()
    {
        await using var database = (await PostgresDatabase.OpenAsync(address, Cancellation)).Value;
        var tokens = new TokenTable(database);
        await tokens.AddAsync(new("kept", "n", "kept", ["read"], DateTimeOffset.UtcNow), Cancellation);
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() =>
            database.ChangeAsync(
                async transaction =>
                {
                    await Dapper.SqlMapper.ExecuteAsync(
                        transaction.Connection!,
                        "UPDATE tokens SET revoked = 1",
                        transaction: transaction
                    );
                    await cluster.StopAsync();
                    return 0;
                },
                Cancellation
            )
        );
        await cluster.StartServerAsync();
        Assert.Null((await tokens.FindByHashAsync("kept", Cancellation))!.Revoked);
    }
}
