using Elivepatch.Server.Configuration;

[assembly: AssemblyFixture(typeof(Elivepatch.Server.Tests.SharedPostgres))]

namespace Elivepatch.Server.Tests;

/// <summary>
/// The PostgreSQL that all tests of a run share, started where one needs it; each test has a database of its own.
/// </summary>
public sealed class SharedPostgres : IAsyncDisposable
{
    private readonly Lazy<Task<PostgresCluster>> cluster = new(() => PostgresCluster.StartAsync());

    internal Task<PostgresCluster> ClusterAsync() => cluster.Value;

    /// <summary>The address of a new database.</summary>
    public async Task<PostgresAddress> NewAsync() => PostgresAddress.Parse(await NewTextAsync()).Value;

    /// <summary>The address of a new database, as an operator writes it.</summary>
    public async Task<string> NewTextAsync() => await (await cluster.Value).NewDatabaseAsync();

    public async ValueTask DisposeAsync()
    {
        if (cluster.IsValueCreated)
        {
            await (await cluster.Value).DisposeAsync();
        }
    }
}
