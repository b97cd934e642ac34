// In: a file, or the address of a PostgreSQL. Out: reading and changing, with the same promise on both: a change sees and does
// everything as if it were alone. SQLite keeps it by one writer at a time. PostgreSQL keeps it by SERIALIZABLE, which lets writers run
// side by side and undoes one of those that would have seen something else in another order; that one is run again here. Locks of
// rows would cost fewer repetitions, but each statement would have to know all that it can collide with, and SQLite has none: what
// is right on the one would be wrong on the other.

using System.Data;
using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using Dapper;
using Elivepatch.Builder;
using Elivepatch.Model;
using Elivepatch.Server.Configuration;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Elivepatch.Server.State;

/// <summary>
/// The database of the server. Its SQL is what SQLite and PostgreSQL have in common; what is committed survives a power cut.
/// </summary>
public sealed class Database : IAsyncDisposable
{
    private const string MigrationPrefix = "Elivepatch.Server.State.Migrations.";

    // Names the lock under which the schema is changed: any number that nobody else takes in this database.
    private const long MigrationLock = 0x656c_6976_6570;

    // Two who insert the same key see each other only then; who inserts what is there fails again.
    private const int MostCollisions = 10;
    private const int LongestPause = 128;

    // How long a change waits for others, on both databases.
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);
    private readonly Func<DbConnection> connect;

    private Database(Func<DbConnection> connect, NpgsqlDataSource? postgres) => (this.connect, Postgres) = (connect, postgres);

    /// <summary>PostgreSQL, which other servers may use as well; null where the database is a file of this server's own.</summary>
    internal NpgsqlDataSource? Postgres { get; }

    /// <summary>Opens the database file and brings its schema up to date.</summary>
    public static async Task<Outcome<Database>> OpenFileAsync(string path, CancellationToken cancellation)
    {
        var text = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            ForeignKeys = true,
            // How long a writer waits for another one.
            DefaultTimeout = (int)patience.TotalSeconds,
        }.ToString();
        var database = new Database(() => new SqliteConnection(text), null);
        try
        {
            await using (var connection = await database.ConnectAsync(cancellation))
            {
                // Readers do not wait for a writer, and a commit is on the disk when it returns.
                await connection.ExecuteAsync("PRAGMA journal_mode = WAL");
            }

            return await database.MigrateAsync(cancellation) is { } newer ? Newer(path, newer) : database;
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
        {
            return new Problem(BuilderProblems.StateUnusable, $"{path}: {e.Message}");
        }
    }

    /// <summary>Connects to PostgreSQL and brings the schema up to date, which of several servers one does.</summary>
    public static async Task<Outcome<Database>> OpenAsync(PostgresAddress address, CancellationToken cancellation)
    {
        NpgsqlDataSource source;
        try
        {
            source = NpgsqlDataSource.Create(address.ConnectionString);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or InvalidOperationException)
        {
            // The driver's words may repeat the connection string.
            return new Problem(DatabaseProblems.DatabaseUnreachable, $"{address}: its parameters contradict each other");
        }

        var database = new Database(source.CreateConnection, source);
        Problem problem;
        try
        {
            if (await database.MigrateAsync(cancellation) is not { } newer)
                return database;
            problem = Newer(address.ToString(), newer);
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
        {
            problem = new(DatabaseProblems.DatabaseUnreachable, $"{address}: {e.Message}");
        }

        await database.DisposeAsync();
        return problem;
    }

    /// <summary>Reads without a transaction. The work may be done again from its beginning.</summary>
    public async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellation)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await using var connection = await ConnectAsync(cancellation);
                return await work(connection);
            }
            catch (NpgsqlException e) when (attempt == 0 && IsConnectionLost(e))
            {
                // A connection of the pool that has outlived the database's restart: another one may do.
            }
        }
    }

    /// <summary>
    /// Changes all or nothing, as if nobody else changed anything meanwhile. The work may be done again from its beginning, so it
    /// changes nothing but the database.
    /// </summary>
    public async Task<T> ChangeAsync<T>(Func<DbTransaction, Task<T>> work, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        for (var attempt = 0; ; attempt++)
        {
            var isCommitting = false;
            try
            {
                await using var connection = await ConnectAsync(cancellation);
                await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.Serializable, cancellation);
                var result = await work(transaction);
                isCommitting = true;
                await transaction.CommitAsync(cancellation);
                return result;
            }
            catch (NpgsqlException e) when (
                MayDoAgain(e, attempt, isCommitting) && Stopwatch.GetElapsedTime(start) < patience && !cancellation.IsCancellationRequested)
            {
                // By chance, so that those who collided do not meet again.
                await Task.Delay(Random.Shared.Next(Math.Min(2 << Math.Min(attempt, 16), LongestPause)), cancellation);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Postgres?.DisposeAsync() ?? ValueTask.CompletedTask;

    // What was lost while it was committed may have happened, and is not done twice.
    private static bool MayDoAgain(NpgsqlException e, int attempt, bool isCommitting) => e.SqlState switch
    {
        PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected => true,
        PostgresErrorCodes.UniqueViolation => attempt < MostCollisions,
        _ => attempt == 0 && !isCommitting && IsConnectionLost(e),
    };

    private static bool IsConnectionLost(NpgsqlException e) => e switch
    {
        PostgresException => e.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown,
        _ => e.InnerException is IOException or System.Net.Sockets.SocketException,
    };

    private async Task<DbConnection> ConnectAsync(CancellationToken cancellation)
    {
        var connection = connect();
        try
        {
            await connection.OpenAsync(cancellation);
            if (connection is SqliteConnection)
                await connection.ExecuteAsync("PRAGMA synchronous = FULL");
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    // Gives the number of the schema where that is newer than all that is known here.
    private async Task<long?> MigrateAsync(CancellationToken cancellation)
    {
        await using var connection = await ConnectAsync(cancellation);
        // Each statement has to see what was committed before it: whoever waited for the lock finds the work done.
        await using var transaction = await connection.BeginTransactionAsync(
            Postgres is null ? IsolationLevel.Serializable : IsolationLevel.ReadCommitted, cancellation);
        if (Postgres is not null)
            await connection.ExecuteAsync("SELECT pg_advisory_xact_lock(@MigrationLock)", new { MigrationLock }, transaction);
        await connection.ExecuteAsync("CREATE TABLE IF NOT EXISTS schema_version (number BIGINT PRIMARY KEY)", transaction: transaction);
        var have = (await connection.QueryAsync<long>("SELECT number FROM schema_version", transaction: transaction)).ToHashSet();
        var migrations = Migrations();
        if (have.Count > 0 && have.Max() > migrations[^1].Number)
            return have.Max();
        foreach (var (number, sql) in migrations.Where(m => !have.Contains(m.Number)))
        {
            await connection.ExecuteAsync(sql, transaction: transaction);
            await connection.ExecuteAsync("INSERT INTO schema_version (number) VALUES (@number)", new { number }, transaction);
        }

        await transaction.CommitAsync(cancellation);
        return null;
    }

    private static Problem Newer(string where, long schema) => new(
        BuilderProblems.StateUnusable,
        $"{where}: its schema is {schema}, and this version knows {Migrations()[^1].Number}: it was used by a newer one",
        "Install the version that the database was last used with, or a newer one.");

    private static List<(long Number, string Sql)> Migrations()
    {
        var assembly = typeof(Database).Assembly;
        return [.. assembly.GetManifestResourceNames().Where(n => n.StartsWith(MigrationPrefix, StringComparison.Ordinal)).Select(name =>
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            return (long.Parse(name[MigrationPrefix.Length..].Split('-')[0], CultureInfo.InvariantCulture), reader.ReadToEnd());
        }).OrderBy(m => m.Item1)];
    }
}
