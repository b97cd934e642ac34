// In: a file. Out: the database of one server, which has it for itself: there is one writer at a time, and what was running when
// it is opened runs no more.

using System.Data;
using System.Data.Common;
using Dapper;
using Elivepatch.Builder;
using Elivepatch.Model;
using Microsoft.Data.Sqlite;

namespace Elivepatch.Server.State.Sqlite;

/// <summary>A database in a file of the state's folder.</summary>
public sealed class SqliteDatabase : Database
{
    private readonly string connection;

    private SqliteDatabase(string path) =>
        connection = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            ForeignKeys = true,
            // How long a writer waits for another one.
            DefaultTimeout = (int)Patience.TotalSeconds,
        }.ToString();

    /// <inheritdoc/>
    internal override IKeyRegister Keys { get; } = new OwnKeys();

    /// <inheritdoc/>
    private protected override IsolationLevel SchemaIsolation => IsolationLevel.Serializable;

    /// <summary>Opens the database file and brings its schema up to date.</summary>
    public static async Task<Outcome<Database>> OpenAsync(string path, CancellationToken cancellation)
    {
        var database = new SqliteDatabase(path);
        try
        {
            await using (var open = await database.ConnectAsync(cancellation))
            {
                // Readers do not wait for a writer, and a commit is on the disk when it returns.
                await open.ExecuteAsync("PRAGMA journal_mode = WAL");
            }

            return await database.MigrateAsync(path, cancellation) is { } newer ? newer : database;
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
        {
            return new Problem(BuilderProblems.StateUnusable, $"{path}: {e.Message}");
        }
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    internal override DatabaseFailure FailureOf(Exception e) => DatabaseFailure.Broken;

    /// <inheritdoc/>
    internal override Task<Outcome<TimeProvider>> OpenClockAsync(TimeProvider own, CancellationToken cancellation) =>
        Task.FromResult<Outcome<TimeProvider>>(own);

    /// <inheritdoc/>
    internal override BlobStore OpenBlobs(string kept, string cached, TimeProvider clock) => new FolderBlobs(kept);

    /// <inheritdoc/>
    internal override BlobStore OpenBlobsBeside(string kept, string cached, TimeProvider clock) => FolderBlobs.OpenBeside(kept);

    /// <inheritdoc/>
    internal override void AddUpkeep(IServiceCollection services)
    {
        // It looks after itself.
    }

    /// <inheritdoc/>
    internal override Task NotifyAsync(string build, DbTransaction transaction) => Task.CompletedTask;

    /// <inheritdoc/>
    internal override Task<int> InsertAllAsync(string table, IReadOnlyList<ColumnValues> columns, DbTransaction transaction)
    {
        var rows = Enumerable
            .Range(0, columns[0].Values.Length)
            .Select(i =>
            {
                var row = new DynamicParameters();
                foreach (var column in columns)
                {
                    row.Add(column.Name, column.Values.GetValue(i));
                }

                return row;
            });
        return transaction.Connection!.ExecuteAsync(
            $"""
            INSERT INTO {table} ({string.Join(", ", columns.Select(c => c.Name))})
            VALUES ({string.Join(", ", columns.Select(c => "@" + c.Name))})
            """,
            rows,
            transaction
        );
    }

    /// <inheritdoc/>
    internal override Task RecoverBuildsAsync(Func<TimeSpan?, Task> requeue) =>
        // Nobody else has the file.
        requeue(null);

    /// <inheritdoc/>
    internal override Task WatchBuildersAsync(Func<TimeSpan?, Task> requeue, CancellationToken cancellation) =>
        Task.CompletedTask;

    /// <inheritdoc/>
    private protected override DbConnection CreateConnection() => new SqliteConnection(connection);

    /// <inheritdoc/>
    private protected override Task PrepareAsync(DbConnection connection) => connection.ExecuteAsync("PRAGMA synchronous = FULL");

    /// <inheritdoc/>
    private protected override Task LockSchemaAsync(DbTransaction transaction) => Task.CompletedTask;

    /// <inheritdoc/>
    private protected override bool IsConnectionLost(DbException e) => false;

    /// <inheritdoc/>
    private protected override bool IsCollision(DbException e, int attempt) => false;
}
