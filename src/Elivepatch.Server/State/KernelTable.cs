// In: what machines told of their kernels, and the parts that they sent. Out: kernels as one token sees them: with its own parts
// and the operator's, never with another token's. An operator's part comes before one's own.

using System.Data.Common;
using Dapper;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

/// <summary>The kernels.</summary>
public sealed class KernelTable(Database database)
{
    /// <summary>Stands for a token where the operator sends a part: it is everybody's.</summary>
    public const string Operator = "";

    // The empty token is the first in order.
    private const string Columns = """
        SELECT id, release, build_id, machine, compiler, capture, added, added_by,
               (SELECT p.blob FROM kernel_parts p WHERE p.kernel = kernels.id AND p.part = 'boot-image' AND p.token IN ('', @token)
                ORDER BY p.token LIMIT 1) AS boot_image,
               (SELECT p.blob FROM kernel_parts p WHERE p.kernel = kernels.id AND p.part = 'source' AND p.token IN ('', @token)
                ORDER BY p.token LIMIT 1) AS source
        FROM kernels
        """;

    /// <summary>Adds a kernel without its parts; false where it is there already.</summary>
    public Task<bool> AddAsync(StoredKernel kernel, CancellationToken cancellation) =>
        database.ChangeAsync(
            async transaction =>
                await transaction.Connection!.ExecuteAsync(
                    """
                    INSERT INTO kernels (id, release, build_id, machine, compiler, capture, added, added_by)
                    VALUES (@Id, @Release, @BuildId, @Machine, @Compiler, @Capture, @Added, @AddedBy)
                    ON CONFLICT (id) DO NOTHING
                    """,
                    new
                    {
                        kernel.Id,
                        kernel.Release,
                        kernel.BuildId,
                        kernel.Machine,
                        kernel.Compiler,
                        kernel.Capture,
                        Added = UnixMilliseconds.From(kernel.Added),
                        kernel.AddedBy,
                    },
                    transaction
                ) == 1,
            cancellation
        );

    /// <summary>Finds a kernel by its id.</summary>
    /// <param name="id">The kernel.</param>
    /// <param name="token">Whose parts it has, besides the operator's.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<StoredKernel?> FindAsync(string id, string token, CancellationToken cancellation) =>
        database.ReadAsync(
            async c => (await c.QuerySingleOrDefaultAsync<Row>(Columns + " WHERE id = @id", new { id, token }))?.ToKernel(),
            cancellation
        );

    /// <summary>The id of the newest kernel with this build-id; null for none.</summary>
    public Task<string?> FindByBuildIdAsync(string buildId, CancellationToken cancellation) =>
        database.ReadAsync(
            c =>
                c.ExecuteScalarAsync<string?>(
                    "SELECT id FROM kernels WHERE build_id = @buildId ORDER BY added DESC, id LIMIT 1",
                    new { buildId }
                ),
            cancellation
        );

    /// <summary>The files of a kernel's modules that a token may use: its own and the operator's.</summary>
    /// <param name="id">The kernel.</param>
    /// <param name="token">Whose.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<IReadOnlyList<ModuleFile>> ListModulesAsync(string id, string token, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<ModuleFile>>(
            async c =>
                [
                    .. (
                        await c.QueryAsync<(string Part, string Blob)>(
                            "SELECT part, blob FROM kernel_parts WHERE kernel = @id AND token IN ('', @token)",
                            new { id, token }
                        )
                    )
                        .Where(p => KernelParts.ModuleOf(p.Part) is not null)
                        .Select(p => new ModuleFile(KernelParts.ModuleOf(p.Part)!, p.Blob)),
                ],
            cancellation
        );

    /// <summary>All kernels, newest first.</summary>
    /// <param name="token">Whose parts they have, besides the operator's.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<IReadOnlyList<StoredKernel>> ListAsync(string token, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<StoredKernel>>(
            async c =>
                [
                    .. (await c.QueryAsync<Row>(Columns + " ORDER BY added DESC, id LIMIT 10000", new { token })).Select(r =>
                        r.ToKernel()
                    ),
                ],
            cancellation
        );

    /// <summary>Says which blob is a token's part of a kernel, in place of the one that it sent before.</summary>
    /// <param name="part">The part.</param>
    /// <param name="most">How many bytes the parts of one token may have together; the operator's have no bound.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>False where the parts would have more.</returns>
    public Task<bool> SetPartAsync(StoredPart part, long most, CancellationToken cancellation) =>
        database.ChangeAsync(
            async transaction =>
            {
                if (part.Token != Operator && await OthersAsync(part, transaction) + part.Size > most)
                {
                    return false;
                }

                await transaction.Connection!.ExecuteAsync(
                    """
                    INSERT INTO kernel_parts (kernel, token, part, blob, size, added) VALUES (@Kernel, @Token, @Name, @Blob, @Size, @now)
                    ON CONFLICT (kernel, token, part) DO UPDATE SET blob = @Blob, size = @Size, added = @now
                    """,
                    new
                    {
                        part.Kernel,
                        part.Token,
                        part.Name,
                        part.Blob,
                        part.Size,
                        now = UnixMilliseconds.From(part.Added),
                    },
                    transaction
                );
                return true;
            },
            cancellation
        );

    /// <summary>Removes a kernel that no build refers to, with its parts; false where it is not there or in use.</summary>
    public Task<bool> RemoveAsync(string id, CancellationToken cancellation) =>
        database.ChangeAsync(
            async t =>
            {
                var connection = t.Connection!;
                await connection.ExecuteAsync(
                    "DELETE FROM kernel_parts WHERE kernel = @id AND NOT EXISTS (SELECT 1 FROM builds WHERE kernel = @id)",
                    new { id },
                    t
                );
                return await connection.ExecuteAsync(
                        "DELETE FROM kernels WHERE id = @id AND NOT EXISTS (SELECT 1 FROM builds WHERE kernel = @id)",
                        new { id },
                        t
                    ) == 1;
            },
            cancellation
        );

    /// <summary>Removes the parts of tokens that have ended, and gives how many those were.</summary>
    public Task<int> RemovePartsOfEndedTokensAsync(DateTimeOffset now, CancellationToken cancellation) =>
        database.ChangeAsync(
            t =>
                t.Connection!.ExecuteAsync(
                    """
                    DELETE FROM kernel_parts
                    WHERE token IN (SELECT id FROM tokens WHERE revoked IS NOT NULL OR (expires IS NOT NULL AND expires <= @now))
                    """,
                    new { now = UnixMilliseconds.From(now) },
                    t
                ),
            cancellation
        );

    private static async Task<long> OthersAsync(StoredPart part, DbTransaction transaction) =>
        await transaction.Connection!.ExecuteScalarAsync<long>(
            """
            SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM kernel_parts
            WHERE token = @Token AND NOT (kernel = @Kernel AND part = @Name)
            """,
            new
            {
                part.Token,
                part.Kernel,
                part.Name,
            },
            transaction
        );

    // Constructed by the mapper, whose columns have the database's names.
    private sealed class Row
    {
        public string Id { get; init; } = "";

        public string Release { get; init; } = "";

        public string Build_Id { get; init; } = "";

        public string Machine { get; init; } = "";

        public string Compiler { get; init; } = "";

        public string Capture { get; init; } = "";

        public string? Boot_Image { get; init; }

        public string? Source { get; init; }

        public long Added { get; init; }

        public string Added_By { get; init; } = "";

        public StoredKernel ToKernel() =>
            new(Id, Release, Build_Id, Machine, Compiler, Capture, Boot_Image, Source, UnixMilliseconds.To(Added), Added_By);
    }
}
