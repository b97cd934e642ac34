// In: a file and its digest. Out: the same in PostgreSQL, in chunks that memory can hold, and the other way round. A content is
// stored in one transaction: what breaks off leaves nothing, and of several who store the same the others wait for the first.

using System.Data;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace Elivepatch.Server.State.Postgres;

/// <summary>Content by its digest, in PostgreSQL, where all servers have it.</summary>
internal sealed class BlobTable(NpgsqlDataSource source, TimeProvider clock)
{
    /// <summary>Bytes of a chunk.</summary>
    public const int Chunk = 1 << 20;

    // Seconds. Whoever waits for another to store the same waits as long as the largest content may take.
    private const int LongestWait = 3600;

    // What nothing refers to, so that it may be removed.
    private static readonly string Unreferred = BlobReferences.NoneTo("digest");

    /// <summary>Stores a file's content; where it is there already, counts that it was stored once more.</summary>
    public async Task PutAsync(string digest, string path, CancellationToken cancellation)
    {
        await using var file = new FileStream(
            path,
            FileMode.Open,
            FileAccess.Read,
            FileShare.Read,
            0,
            FileOptions.SequentialScan
        );
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellation);
        var puts = await connection.ExecuteScalarAsync<long>(
            new CommandDefinition(
                """
                INSERT INTO blobs (digest, size, puts, stored) VALUES (@digest, @Length, 1, @now)
                ON CONFLICT (digest) DO UPDATE SET puts = blobs.puts + 1, stored = @now
                RETURNING puts
                """,
                new
                {
                    digest,
                    file.Length,
                    now = UnixMilliseconds.From(clock.GetUtcNow()),
                },
                transaction,
                LongestWait,
                cancellationToken: cancellation
            )
        );
        if (puts == 1)
        {
            await PutChunksAsync(connection, transaction, digest, file, cancellation);
        }

        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Writes a content to a stream; false where it is not there.</summary>
    public async Task<bool> GetAsync(string digest, Stream to, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        if (await connection.ExecuteScalarAsync<long?>("SELECT size FROM blobs WHERE digest = @digest", new { digest }) is null)
        {
            return false;
        }

        await using var command = new NpgsqlCommand(
            "SELECT content FROM blob_chunks WHERE digest = $1 ORDER BY number",
            connection
        )
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = digest } },
        };
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            await to.WriteAsync((byte[])reader[0], cancellation);
        }

        return true;
    }

    /// <summary>Removes a content that was stored once and that nothing refers to.</summary>
    public async Task RemoveUnlessPutAgainAsync(string digest, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(
            new CommandDefinition(
                $"DELETE FROM blobs WHERE digest = @digest AND puts = 1 AND {Unreferred}",
                new { digest },
                cancellationToken: cancellation
            )
        );
    }

    /// <summary>
    /// Removes what nothing refers to and nobody has stored since a time, and gives how many contents that were.
    /// </summary>
    public async Task<int> SweepAsync(DateTimeOffset before, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        return await connection.ExecuteAsync(
            new CommandDefinition(
                $"DELETE FROM blobs WHERE stored < @before AND {Unreferred}",
                new { before = UnixMilliseconds.From(before) },
                commandTimeout: LongestWait,
                cancellationToken: cancellation
            )
        );
    }

    private static async Task PutChunksAsync(
        NpgsqlConnection connection,
        NpgsqlTransaction transaction,
        string digest,
        FileStream file,
        CancellationToken cancellation
    )
    {
        var content = new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Bytea };
        var number = new NpgsqlParameter<long>();
        await using var command = new NpgsqlCommand(
            "INSERT INTO blob_chunks (digest, number, content) VALUES ($1, $2, $3)",
            connection,
            transaction
        )
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = digest },
                number,
                content,
            },
        };
        var buffer = new byte[Chunk];
        for (; ; number.TypedValue++)
        {
            var count = await file.ReadAtLeastAsync(buffer, Chunk, throwOnEndOfStream: false, cancellation);
            if (count == 0)
            {
                return;
            }

            content.Value = new ArraySegment<byte>(buffer, 0, count);
            await command.ExecuteNonQueryAsync(cancellation);
        }
    }
}
