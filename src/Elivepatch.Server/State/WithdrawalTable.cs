using System.Data.Common;
using System.Text.Json;
using Dapper;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

/// <summary>The modules that have been withdrawn.</summary>
public sealed class WithdrawalTable(Database database)
{
    private const string Columns =
        "SELECT artifact, number, build, release, build_id, module, patches, problems, rules, withdrawn FROM withdrawals";

    private const string OfArtifact = Columns + " WHERE artifact = @artifact";

    /// <summary>The number of the newest one; 0 for none.</summary>
    public Task<long> GetNewestAsync(CancellationToken cancellation) =>
        database.ReadAsync(
            async c => await c.ExecuteScalarAsync<long?>("SELECT MAX(number) FROM withdrawals") ?? 0,
            cancellation
        );

    /// <summary>Finds one by the module's digest; null where it has not been withdrawn.</summary>
    public Task<StoredWithdrawal?> FindAsync(string artifact, CancellationToken cancellation) =>
        database.ReadAsync(
            async c => (await c.QuerySingleOrDefaultAsync<Row>(OfArtifact, new { artifact }))?.ToWithdrawal(),
            cancellation
        );

    /// <summary>Those of one kernel, newest first.</summary>
    public Task<IReadOnlyList<StoredWithdrawal>> ListForKernelAsync(string buildId, CancellationToken cancellation) =>
        ReadAsync("WHERE build_id = @buildId ORDER BY number DESC", new { buildId }, cancellation);

    /// <summary>Lists them, newest first.</summary>
    /// <param name="before">Only those with a smaller number, or null.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<IReadOnlyList<StoredWithdrawal>> ListAsync(long? before, int count, CancellationToken cancellation) =>
        ReadAsync(
            "WHERE number < @before ORDER BY number DESC LIMIT @count",
            new { before = before ?? long.MaxValue, count },
            cancellation
        );

    /// <summary>Adds one together with other changes; that of the same module is kept as it is.</summary>
    internal static async Task AddAsync(StoredWithdrawal withdrawal, DbTransaction transaction)
    {
        var connection = transaction.Connection!;
        var last =
            await connection.ExecuteScalarAsync<long?>("SELECT MAX(number) FROM withdrawals", transaction: transaction) ?? 0;
        await connection.ExecuteAsync(
            """
            INSERT INTO withdrawals (artifact, number, build, release, build_id, module, patches, problems, rules, withdrawn)
            VALUES (@Artifact, @number, @Build, @Release, @BuildId, @Module, @patches, @problems, @Rules, @withdrawn)
            ON CONFLICT (artifact) DO UPDATE SET number = @number
            """,
            new
            {
                withdrawal.Artifact,
                number = last + 1,
                withdrawal.Build,
                withdrawal.Release,
                withdrawal.BuildId,
                withdrawal.Module,
                patches = JsonSerializer.Serialize(withdrawal.Patches, ProtocolJson.Default.IReadOnlyListPatchReference),
                problems = JsonSerializer.Serialize(withdrawal.Problems, ProtocolJson.Default.IReadOnlyListProblemReport),
                withdrawal.Rules,
                withdrawn = UnixMilliseconds.From(withdrawal.Withdrawn),
            },
            transaction
        );
    }

    /// <summary>Finds one within other changes.</summary>
    internal static async Task<StoredWithdrawal?> FindAsync(string artifact, DbTransaction transaction) =>
        (await transaction.Connection!.QuerySingleOrDefaultAsync<Row>(OfArtifact, new { artifact }, transaction))?.ToWithdrawal();

    /// <summary>Takes one back within other changes: by newer rules the module is fine.</summary>
    internal static Task RemoveAsync(string artifact, DbTransaction transaction) =>
        transaction.Connection!.ExecuteAsync("DELETE FROM withdrawals WHERE artifact = @artifact", new { artifact }, transaction);

    private Task<IReadOnlyList<StoredWithdrawal>> ReadAsync(string which, object values, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<StoredWithdrawal>>(
            async c => [.. (await c.QueryAsync<Row>($"{Columns} {which}", values)).Select(r => r.ToWithdrawal())],
            cancellation
        );

    // Constructed by the mapper, whose columns have the database's names.
    private sealed class Row
    {
        public string Artifact { get; init; } = "";

        public long Number { get; init; }

        public string Build { get; init; } = "";

        public string Release { get; init; } = "";

        public string Build_Id { get; init; } = "";

        public string Module { get; init; } = "";

        public string Patches { get; init; } = "";

        public string Problems { get; init; } = "";

        public long Rules { get; init; }

        public long Withdrawn { get; init; }

        public StoredWithdrawal ToWithdrawal() =>
            new()
            {
                Artifact = Artifact,
                Number = Number,
                Build = Build,
                Release = Release,
                BuildId = Build_Id,
                Module = Module,
                Patches = JsonSerializer.Deserialize(Patches, ProtocolJson.Default.IReadOnlyListPatchReference)!,
                Problems = JsonSerializer.Deserialize(Problems, ProtocolJson.Default.IReadOnlyListProblemReport)!,
                Rules = (int)Rules,
                Withdrawn = UnixMilliseconds.To(Withdrawn),
            };
    }
}
