// In: the address of a PostgreSQL. Out: a database that several servers use at once. SERIALIZABLE lets writers run side by side
// and undoes one of those that would have seen something else in another order; that one is run again. The servers share its
// clock, its contents, the public keys that they sign with, and what they tell each other of builds.

using System.Data;
using System.Data.Common;
using Dapper;
using Elivepatch.Model;
using Elivepatch.Server.Configuration;
using Npgsql;

namespace Elivepatch.Server.State.Postgres;

/// <summary>A database that other servers may use as well.</summary>
public sealed class PostgresDatabase : Database
{
    // Names the lock under which the schema is changed: any number that nobody else takes in this database.
    private const long SchemaLock = 0x656c_6976_6570;

    // Two who insert the same key see each other only then; who inserts what is there fails again.
    private const int MostCollisions = 10;

    // A builder that has not been heard of for so long has ended. It says every pause that it lives, a second usually.
    private static readonly TimeSpan lostAfter = TimeSpan.FromSeconds(10);
    private readonly PostgresAddress address;
    private DatabaseClock? clock;

    private PostgresDatabase(PostgresAddress address, NpgsqlDataSource source)
    {
        (this.address, Source) = (address, source);
        Keys = new RegisteredPublicKeys(this);
    }

    /// <summary>Where connections come from.</summary>
    internal NpgsqlDataSource Source { get; }

    /// <inheritdoc/>
    internal override IKeyRegister Keys { get; }

    /// <inheritdoc/>
    private protected override IsolationLevel SchemaIsolation =>
        // Each statement has to see what was committed before it: whoever waited for the lock finds the work done.
        IsolationLevel.ReadCommitted;

    /// <summary>Connects and brings the schema up to date, which of several servers one does.</summary>
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

        var database = new PostgresDatabase(address, source);
        Problem problem;
        try
        {
            if (await database.MigrateAsync(address.ToString(), cancellation) is not { } newer)
            {
                return database;
            }

            problem = newer;
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
        {
            problem = new(DatabaseProblems.DatabaseUnreachable, $"{address}: {e.Message}");
        }

        await database.DisposeAsync();
        return problem;
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => Source.DisposeAsync();

    /// <inheritdoc/>
    internal override DatabaseFailure FailureOf(Exception e) =>
        e switch
        {
            PostgresException { SqlState: PostgresErrorCodes.CharacterNotInRepertoire } => DatabaseFailure.TextRefused,
            NpgsqlException => DatabaseFailure.Unreachable,
            _ => DatabaseFailure.Broken,
        };

    /// <inheritdoc/>
    internal override async Task<Outcome<TimeProvider>> OpenClockAsync(TimeProvider own, CancellationToken cancellation)
    {
        // Servers that share a database share its time.
        try
        {
            var shared = new DatabaseClock(own, Source);
            await shared.SetAsync(cancellation);
            return clock = shared;
        }
        catch (NpgsqlException e)
        {
            return new Problem(DatabaseProblems.DatabaseUnreachable, $"{address}: {e.Message}");
        }
    }

    /// <inheritdoc/>
    internal override BlobStore OpenBlobs(string kept, string cached, TimeProvider clock) =>
        new PostgresBlobs(cached, new BlobTable(Source, clock));

    /// <inheritdoc/>
    internal override BlobStore OpenBlobsBeside(string kept, string cached, TimeProvider clock) => OpenBlobs(kept, cached, clock);

    /// <inheritdoc/>
    internal override void AddUpkeep(IServiceCollection services)
    {
        services.AddSingleton(this).AddHostedService<BuildEventNotices>();
        if (clock is not null)
        {
            services.AddSingleton(clock).AddHostedService<ClockUpkeep>();
        }
    }

    /// <inheritdoc/>
    internal override Task NotifyAsync(string build, DbTransaction transaction) =>
        // Sent when it is committed, and once however often it is said before.
        transaction.Connection!.ExecuteAsync(
            $"SELECT pg_notify('{BuildEventNotices.Channel}', @build)",
            new { build },
            transaction
        );

    /// <inheritdoc/>
    internal override async Task<int> InsertAllAsync(string table, IReadOnlyList<ColumnValues> columns, DbTransaction transaction)
    {
        // A statement for each row would be most of the work, the database's and the server's.
        var places = string.Join(", ", Enumerable.Range(1, columns.Count).Select(i => $"${i}"));
        await using var command = new NpgsqlCommand(
            $"""
            INSERT INTO {table} ({string.Join(", ", columns.Select(c => c.Name))})
            SELECT * FROM UNNEST({places})
            """,
            (NpgsqlConnection)transaction.Connection!,
            (NpgsqlTransaction)transaction
        );
        foreach (var column in columns)
        {
            command.Parameters.Add(new() { Value = column.Values });
        }

        return await command.ExecuteNonQueryAsync();
    }

    /// <inheritdoc/>
    internal override Task RecoverBuildsAsync(Func<TimeSpan?, Task> requeue) =>
        // What runs may be another server's.
        Task.CompletedTask;

    /// <inheritdoc/>
    internal override async Task WatchBuildersAsync(Func<TimeSpan?, Task> requeue, CancellationToken cancellation)
    {
        // A server that ended leaves builds behind, this one's own among them where it came back at once.
        while (true)
        {
            await requeue(lostAfter);
            await Task.Delay(lostAfter / 2, cancellation);
        }
    }

    /// <inheritdoc/>
    private protected override DbConnection CreateConnection() => Source.CreateConnection();

    /// <inheritdoc/>
    private protected override Task PrepareAsync(DbConnection connection) => Task.CompletedTask;

    /// <inheritdoc/>
    private protected override Task LockSchemaAsync(DbTransaction transaction) =>
        transaction.Connection!.ExecuteAsync("SELECT pg_advisory_xact_lock(@SchemaLock)", new { SchemaLock }, transaction);

    /// <inheritdoc/>
    private protected override bool IsConnectionLost(DbException e) =>
        e switch
        {
            PostgresException { SqlState: var state } => state
                is PostgresErrorCodes.AdminShutdown
                    or PostgresErrorCodes.CrashShutdown,
            NpgsqlException => e.InnerException is IOException or System.Net.Sockets.SocketException,
            _ => false,
        };

    /// <inheritdoc/>
    private protected override bool IsCollision(DbException e, int attempt) =>
        (e as NpgsqlException)?.SqlState switch
        {
            PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected => true,
            PostgresErrorCodes.UniqueViolation => attempt < MostCollisions,
            _ => false,
        };
}
