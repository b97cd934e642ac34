// In: work on the database. Out: its result, with the same promise whichever database it is: a change sees and does everything as
// if it were alone. What the two do differently is in Sqlite and in Postgres, and nobody else asks which it is. Locks of rows
// would cost fewer repetitions than PostgreSQL's SERIALIZABLE, but each statement would have to know all that it can collide
// with, and SQLite has none: what is right on the one would be wrong on the other.

using System.Data;
using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using Dapper;
using Elivepatch.Builder;
using Elivepatch.Model;

namespace Elivepatch.Server.State;

/// <summary>What an exception of the database means to whoever asked for something.</summary>
internal enum DatabaseFailure
{
    /// <summary>The disk or the database failed.</summary>
    Broken,

    /// <summary>It does not answer, or not in time: it may soon.</summary>
    Unreachable,

    /// <summary>It cannot hold a character of the request.</summary>
    TextRefused,
}

/// <summary>Values of one column, one a row.</summary>
/// <param name="Name">The column.</param>
/// <param name="Values">An array of the type that the database has.</param>
internal sealed record ColumnValues(string Name, Array Values);

/// <summary>
/// The database of the server. Its SQL is what SQLite and PostgreSQL have in common; what is committed survives a power cut.
/// </summary>
public abstract class Database : IAsyncDisposable
{
    private const string MigrationPrefix = "Elivepatch.Server.State.Migrations.";
    private const int LongestPause = 128;

    /// <summary>How long a change waits for others.</summary>
    private protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The public keys that all servers of the database sign with.</summary>
    internal abstract IKeyRegister Keys { get; }

    /// <summary>What a change of the schema sees of others that go on meanwhile.</summary>
    private protected abstract IsolationLevel SchemaIsolation { get; }

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
            catch (DbException e) when (attempt == 0 && IsConnectionLost(e))
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
            catch (DbException e)
                when (MayDoAgain(e, attempt, isCommitting)
                    && Stopwatch.GetElapsedTime(start) < Patience
                    && !cancellation.IsCancellationRequested
                )
            {
                // By chance, so that those who collided do not meet again.
                await Task.Delay(Random.Shared.Next(Math.Min(2 << Math.Min(attempt, 16), LongestPause)), cancellation);
            }
        }
    }

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();

    /// <summary>What a failure means.</summary>
    internal abstract DatabaseFailure FailureOf(Exception e);

    /// <summary>The time for all that is written to the database.</summary>
    /// <param name="own">This machine's.</param>
    /// <param name="cancellation">Ends it.</param>
    internal abstract Task<Outcome<TimeProvider>> OpenClockAsync(TimeProvider own, CancellationToken cancellation);

    /// <summary>Opens the store of contents.</summary>
    /// <param name="kept">The folder that keeps contents where the database does not.</param>
    /// <param name="cached">The folder for what is fetched from the database where it keeps them.</param>
    /// <param name="clock">The time.</param>
    internal abstract BlobStore OpenBlobs(string kept, string cached, TimeProvider clock);

    /// <summary>Opens the store of a server that may be running: what is on its way there is left alone.</summary>
    /// <inheritdoc cref="OpenBlobs"/>
    internal abstract BlobStore OpenBlobsBeside(string kept, string cached, TimeProvider clock);

    /// <summary>Adds what has to be done while the server runs.</summary>
    internal abstract void AddUpkeep(IServiceCollection services);

    /// <summary>Tells other servers, when the transaction is committed, that a build has new events.</summary>
    internal abstract Task NotifyAsync(string build, DbTransaction transaction);

    /// <summary>Inserts rows, and gives how many.</summary>
    internal abstract Task<int> InsertAllAsync(string table, IReadOnlyList<ColumnValues> columns, DbTransaction transaction);

    /// <summary>Before builders begin: has those builds requeued that nobody can be running.</summary>
    /// <param name="requeue">Requeues builds whose builder has been silent for a time; all that run, where that is null.</param>
    internal abstract Task RecoverBuildsAsync(Func<TimeSpan?, Task> requeue);

    /// <summary>
    /// While builders work: has those builds requeued, again and again, whose builder is not heard of any more.
    /// </summary>
    /// <param name="requeue">Requeues builds whose builder has been silent for a time.</param>
    /// <param name="cancellation">Ends it.</param>
    internal abstract Task WatchBuildersAsync(Func<TimeSpan?, Task> requeue, CancellationToken cancellation);

    /// <summary>A connection that is not open.</summary>
    private protected abstract DbConnection CreateConnection();

    /// <summary>Sets up a connection that was opened.</summary>
    private protected abstract Task PrepareAsync(DbConnection connection);

    /// <summary>Keeps other servers from changing the schema before the transaction ends.</summary>
    private protected abstract Task LockSchemaAsync(DbTransaction transaction);

    /// <summary>True where the connection is gone, and another one may do.</summary>
    private protected abstract bool IsConnectionLost(DbException e);

    /// <summary>True where somebody else changed the same, and the change may succeed if it is done again.</summary>
    /// <param name="e">What was thrown.</param>
    /// <param name="attempt">How often it has been done again.</param>
    private protected abstract bool IsCollision(DbException e, int attempt);

    /// <summary>Opens a connection.</summary>
    private protected async Task<DbConnection> ConnectAsync(CancellationToken cancellation)
    {
        var connection = CreateConnection();
        try
        {
            await connection.OpenAsync(cancellation);
            await PrepareAsync(connection);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Brings the schema up to date. Gives what is wrong where it is newer than all that is known here.</summary>
    /// <param name="where">What the database is called.</param>
    /// <param name="cancellation">Ends it.</param>
    private protected async Task<Problem?> MigrateAsync(string where, CancellationToken cancellation)
    {
        await using var connection = await ConnectAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(SchemaIsolation, cancellation);
        await LockSchemaAsync(transaction);
        await connection.ExecuteAsync(
            "CREATE TABLE IF NOT EXISTS schema_version (number BIGINT PRIMARY KEY)",
            transaction: transaction
        );
        var have = (await connection.QueryAsync<long>("SELECT number FROM schema_version", transaction: transaction)).ToHashSet();
        var migrations = Migrations();
        if (have.Count > 0 && have.Max() > migrations[^1].Number)
        {
            return new(
                BuilderProblems.StateUnusable,
                $"{where}: its schema is {have.Max()}, and this version knows {migrations[^1].Number}: it was used by a newer one",
                "Install the version that the database was last used with, or a newer one."
            );
        }

        foreach (var (number, sql) in migrations.Where(m => !have.Contains(m.Number)))
        {
            await connection.ExecuteAsync(sql, transaction: transaction);
            await connection.ExecuteAsync("INSERT INTO schema_version (number) VALUES (@number)", new { number }, transaction);
        }

        await transaction.CommitAsync(cancellation);
        return null;
    }

    // What was lost while it was committed may have happened, and is not done twice.
    private bool MayDoAgain(DbException e, int attempt, bool isCommitting) =>
        IsCollision(e, attempt) || (attempt == 0 && !isCommitting && IsConnectionLost(e));

    private static List<(long Number, string Sql)> Migrations()
    {
        var assembly = typeof(Database).Assembly;
        return
        [
            .. assembly
                .GetManifestResourceNames()
                .Where(n => n.StartsWith(MigrationPrefix, StringComparison.Ordinal))
                .Select(name =>
                {
                    using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                    return (
                        long.Parse(name[MigrationPrefix.Length..].Split('-')[0], CultureInfo.InvariantCulture),
                        reader.ReadToEnd()
                    );
                })
                .OrderBy(m => m.Item1),
        ];
    }
}
