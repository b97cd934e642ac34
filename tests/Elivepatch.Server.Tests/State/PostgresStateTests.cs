using Dapper;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Postgres;

namespace Elivepatch.Server.Tests.State;

/// <summary>The state in PostgreSQL: what all databases do, and what concerns several servers.</summary>
public sealed class PostgresStateTests(SharedPostgres postgres) : StateTests, IAsyncLifetime
{
    private readonly List<Database> opened = [];
    private PostgresAddress address = null!;

    public async ValueTask InitializeAsync() => address = await postgres.NewAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var database in opened)
        {
            await database.DisposeAsync();
        }
    }

    [Fact]
    public async Task Migrations_run_once_though_four_servers_start_at_once()
    {
        var databases = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(OpenAsync)));
        var numbers = await databases[0]
            .ReadAsync(c => c.QueryAsync<long>("SELECT number FROM schema_version ORDER BY number"), Cancellation);
        Assert.Equal(numbers.Distinct(), numbers);
        Assert.Contains(4, numbers);
    }

    [Fact]
    public async Task A_server_that_stands_still_in_a_change_holds_the_others_up_for_a_minute_at_most()
    {
        var database = await OpenAsync();
        Assert.Equal(
            "1min",
            await database.ReadAsync(c => c.ExecuteScalarAsync<string>("SHOW idle_in_transaction_session_timeout"), Cancellation)
        );
    }

    [Fact]
    public async Task Changes_of_several_servers_that_read_before_they_write_lose_nothing()
    {
        var databases = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => OpenAsync()));
        await databases[0]
            .ChangeAsync(t => t.Connection!.ExecuteAsync("CREATE TABLE counter (value BIGINT)", transaction: t), Cancellation);
        await databases[0]
            .ChangeAsync(t => t.Connection!.ExecuteAsync("INSERT INTO counter VALUES (0)", transaction: t), Cancellation);
        await Task.WhenAll(
            Enumerable
                .Range(0, 60)
                .Select(i =>
                    Task.Run(() =>
                        databases[i % 3]
                            .ChangeAsync(
                                async t =>
                                {
                                    var value = await t.Connection!.ExecuteScalarAsync<long>(
                                        "SELECT value FROM counter",
                                        transaction: t
                                    );
                                    return await t.Connection!.ExecuteAsync(
                                        "UPDATE counter SET value = @value",
                                        new { value = value + 1 },
                                        t
                                    );
                                },
                                Cancellation
                            )
                    )
                )
        );
        Assert.Equal(
            60,
            await databases[0].ReadAsync(c => c.ExecuteScalarAsync<long>("SELECT value FROM counter"), Cancellation)
        );
    }

    [Fact]
    public async Task Thirty_builds_are_taken_once_each_by_two_servers()
    {
        var servers = new[] { await OpenAsync(), await OpenAsync() };
        var tables = servers.Select(s => new BuildTable(s, new(s, TimeProvider.System), TimeProvider.System)).ToList();
        for (var i = 0; i < 30; i++)
        {
            await RunningServer.AddBuildAsync(new(servers[0]), tables[0], $"build {i}", DateTimeOffset.UtcNow);
        }

        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => TakeAllAsync(tables[i % 2]))));
        Assert.Equal(30, taken.Sum(t => t.Count));
        Assert.Equal(30, taken.SelectMany(t => t).Distinct().Count());
    }

    [Fact]
    public async Task Events_of_several_servers_are_numbered_without_gap()
    {
        var servers = new[] { await OpenAsync(), await OpenAsync() };
        var events = servers.Select(s => new BuildEventTable(s, TimeProvider.System)).ToList();
        await RunningServer.AddBuildAsync(
            new(servers[0]),
            new(servers[0], events[0], TimeProvider.System),
            "build",
            DateTimeOffset.UtcNow
        );
        await Task.WhenAll(
            Enumerable
                .Range(0, 40)
                .Select(i =>
                    Task.Run(() => events[i % 2].AddAsync("build", new(0, default, BuildEventKind.Log, "", $"{i}"), Cancellation))
                )
        );
        Assert.Equal(
            Enumerable.Range(1, 41).Select(i => (long)i),
            (await events[0].ReadAsync("build", 0, 100, Cancellation)).Select(e => e.Sequence)
        );
    }

    [Fact]
    public async Task One_of_several_servers_makes_the_first_token()
    {
        var servers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => OpenAsync()));
        var added = await Task.WhenAll(
            servers.Select(
                (s, i) =>
                    Task.Run(() =>
                        new TokenTable(s).AddFirstAsync(
                            new($"id {i}", "name", $"hash {i}", ["read"], DateTimeOffset.UtcNow),
                            Cancellation
                        )
                    )
            )
        );
        Assert.Single(added, a => a);
        Assert.Equal(1, await new TokenTable(servers[0]).CountAsync(Cancellation));
    }

    [Fact]
    public async Task A_wrong_password_is_a_problem_without_the_password()
    {
        var text = (await postgres.NewTextAsync()).Replace("s3cret", "wr0ng", StringComparison.Ordinal);
        var problem = Assert.Single((await PostgresDatabase.OpenAsync(PostgresAddress.Parse(text).Value, Cancellation)).Problems);
        Assert.Equal("ELP1050", problem.Code.Id);
        Assert.Contains("password authentication failed", problem.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("wr0ng", problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_is_not_there_is_a_problem()
    {
        var problem = Assert.Single(
            (
                await PostgresDatabase.OpenAsync(
                    PostgresAddress.Parse("postgres://u:s3cret@127.0.0.1:1/name").Value,
                    Cancellation
                )
            ).Problems
        );
        Assert.Equal("ELP1050", problem.Code.Id);
        Assert.StartsWith("postgres://127.0.0.1:1/name: ", problem.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_found_by_its_unix_socket_too()
    {
        var cluster = await postgres.ClusterAsync();
        var name = (await postgres.NewTextAsync()).Split('/')[^1];
        var text = $"postgres://{PostgresCluster.User}@:{cluster.Port}/{name}?host={Uri.EscapeDataString(cluster.SocketFolder)}";
        await using var database = (await PostgresDatabase.OpenAsync(PostgresAddress.Parse(text).Value, Cancellation)).Value;
        Assert.Equal(0, await new TokenTable(database).CountAsync(Cancellation));
    }

    protected override async Task<Outcome<Database>> TryOpenAsync()
    {
        var outcome = await PostgresDatabase.OpenAsync(address, Cancellation);
        if (outcome.TryGet(out var database))
        {
            opened.Add(database);
        }

        return outcome;
    }

    private static async Task<List<string>> TakeAllAsync(BuildTable builds)
    {
        var taken = new List<string>();
        while (await builds.TakeAsync("worker", Cancellation) is { } build)
        {
            taken.Add(build.Id);
        }

        return taken;
    }
}
