using Dapper;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

/// <summary>The kernels.</summary>
public sealed class KernelTable(Database database)
{
    private const string Columns = "SELECT id, release, build_id, compiler, capture, boot_image, source, added, added_by FROM kernels";

    /// <summary>Adds a kernel; false where it is there already.</summary>
    public Task<bool> AddAsync(StoredKernel kernel, CancellationToken cancellation) => database.ChangeAsync(
        async transaction => await transaction.Connection!.ExecuteAsync(
            """
            INSERT INTO kernels (id, release, build_id, compiler, capture, boot_image, source, added, added_by)
            VALUES (@Id, @Release, @BuildId, @Compiler, @Capture, @BootImage, @Source, @Added, @AddedBy)
            ON CONFLICT (id) DO NOTHING
            """,
            new
            {
                kernel.Id,
                kernel.Release,
                kernel.BuildId,
                kernel.Compiler,
                kernel.Capture,
                kernel.BootImage,
                kernel.Source,
                Added = Moment.From(kernel.Added),
                kernel.AddedBy,
            },
            transaction) == 1,
        cancellation);

    /// <summary>Finds a kernel by its id.</summary>
    public Task<StoredKernel?> FindAsync(string id, CancellationToken cancellation) => database.ReadAsync(
        async c => (await c.QuerySingleOrDefaultAsync<Row>(Columns + " WHERE id = @id", new { id }))?.ToKernel(), cancellation);

    /// <summary>All kernels, newest first.</summary>
    public Task<IReadOnlyList<StoredKernel>> ListAsync(CancellationToken cancellation) => database.ReadAsync<IReadOnlyList<StoredKernel>>(
        async c => [.. (await c.QueryAsync<Row>(Columns + " ORDER BY added DESC, id LIMIT 10000")).Select(r => r.ToKernel())], cancellation);

    /// <summary>Says which blob is a part of a kernel.</summary>
    /// <param name="id">The kernel.</param>
    /// <param name="part">One of <see cref="KernelParts"/>.</param>
    /// <param name="blob">Digest of the part in the blob store.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<bool> SetPartAsync(string id, string part, string blob, CancellationToken cancellation)
    {
        var sql = part switch
        {
            KernelParts.BootImage => "UPDATE kernels SET boot_image = @blob WHERE id = @id",
            KernelParts.Source => "UPDATE kernels SET source = @blob WHERE id = @id",
            _ => throw new ArgumentException($"no part: {part}", nameof(part)),
        };
        return database.ChangeAsync(async t => await t.Connection!.ExecuteAsync(sql, new { id, blob }, t) == 1, cancellation);
    }

    /// <summary>Removes a kernel that no build refers to; false where it is not there or in use.</summary>
    public Task<bool> RemoveAsync(string id, CancellationToken cancellation) => database.ChangeAsync(
        async t => await t.Connection!.ExecuteAsync(
            "DELETE FROM kernels WHERE id = @id AND NOT EXISTS (SELECT 1 FROM builds WHERE kernel = @id)", new { id }, t) == 1,
        cancellation);

    // Constructed by the mapper, whose columns have the database's names.
    private sealed class Row
    {
        public string Id { get; init; } = "";

        public string Release { get; init; } = "";

        public string Build_Id { get; init; } = "";

        public string Compiler { get; init; } = "";

        public string Capture { get; init; } = "";

        public string? Boot_Image { get; init; }

        public string? Source { get; init; }

        public long Added { get; init; }

        public string Added_By { get; init; } = "";

        public StoredKernel ToKernel() => new(Id, Release, Build_Id, Compiler, Capture, Boot_Image, Source, Moment.To(Added), Added_By);
    }
}
