using System.Data.Common;
using System.Globalization;
using Dapper;
using Elivepatch.Engine;
using Microsoft.Data.Sqlite;

namespace Elivepatch.Server.State;

/// <summary>
/// The database of the server. Its SQL is what SQLite and PostgreSQL have in common; what is committed survives a power cut.
/// </summary>
public sealed class Database
{
    private const string MigrationPrefix = "Elivepatch.Server.State.Migrations.";
    private readonly Func<DbConnection> connect;

    private Database(Func<DbConnection> connect) => this.connect = connect;

    /// <summary>Opens the database file and brings its schema up to date.</summary>
    public static async Task<Outcome<Database>> OpenFileAsync(string path, CancellationToken cancellation)
    {
        var text = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            ForeignKeys = true,
            // How long a writer waits for another one.
            DefaultTimeout = 30,
        }.ToString();
        var database = new Database(() => new SqliteConnection(text));
        try
        {
            await using (var connection = await database.ConnectAsync(cancellation))
            {
                // Readers do not wait for a writer, and a commit is on the disk when it returns.
                await connection.ExecuteAsync("PRAGMA journal_mode = WAL");
            }

            await database.MigrateAsync(cancellation);
            return database;
        }
        catch (Exception e) when (e is DbException or IOException or UnauthorizedAccessException)
        {
            return new Problem(ProblemCodes.StateUnusable, $"{path}: {e.Message}");
        }
    }

    /// <summary>Reads without a transaction.</summary>
    public async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellation)
    {
        await using var connection = await ConnectAsync(cancellation);
        return await work(connection);
    }

    /// <summary>Changes all or nothing.</summary>
    public async Task<T> ChangeAsync<T>(Func<DbTransaction, Task<T>> work, CancellationToken cancellation)
    {
        await using var connection = await ConnectAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var result = await work(transaction);
        await transaction.CommitAsync(cancellation);
        return result;
    }

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

    private Task<int> MigrateAsync(CancellationToken cancellation) => ChangeAsync(
        async transaction =>
        {
            var connection = transaction.Connection!;
            await connection.ExecuteAsync("CREATE TABLE IF NOT EXISTS schema_version (number BIGINT PRIMARY KEY)", transaction: transaction);
            var have = await connection.ExecuteScalarAsync<long?>("SELECT MAX(number) FROM schema_version", transaction: transaction) ?? 0;
            var migrations = Migrations();
            if (have > migrations[^1].Number)
                throw new IOException($"its schema is {have}, and this version knows {migrations[^1].Number}: it was used by a newer one");
            foreach (var (number, sql) in migrations.Where(m => m.Number > have))
            {
                await connection.ExecuteAsync(sql, transaction: transaction);
                await connection.ExecuteAsync("INSERT INTO schema_version (number) VALUES (@number)", new { number }, transaction);
            }

            return 0;
        },
        cancellation);

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
