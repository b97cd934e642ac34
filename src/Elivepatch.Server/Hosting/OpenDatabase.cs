using Elivepatch.Model;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Postgres;
using Elivepatch.Server.State.Sqlite;

namespace Elivepatch.Server.Hosting;

/// <summary>Opens the database that is configured, whether a server uses it or not.</summary>
internal static class OpenDatabase
{
    /// <summary>Opens it. This is the only place that knows which it is.</summary>
    public static async Task<Outcome<Database>> RunAsync(ServerOptions options, CancellationToken cancellation)
    {
        if (options.Database is { } address)
        {
            return await PostgresDatabase.OpenAsync(address, cancellation);
        }

        var folder = StateFolder.Open(options);
        return folder.TryGet(out var found)
            ? await SqliteDatabase.OpenAsync(found.DatabaseFile, cancellation)
            : Outcome<Database>.Failure(folder.Problems);
    }
}
