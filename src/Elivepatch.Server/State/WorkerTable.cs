using System.Text.Json;
using Dapper;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

/// <summary>The workers, as they last reported.</summary>
public sealed class WorkerTable(Database database, TimeProvider clock)
{
    /// <summary>How long a worker is remembered that is not heard of.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromDays(1);

    /// <summary>Takes what a worker says of itself.</summary>
    public Task PutAsync(string id, WorkerReport report, CancellationToken cancellation) =>
        database.ChangeAsync(
            transaction =>
                transaction.Connection!.ExecuteAsync(
                    """
                    INSERT INTO workers (id, name, version, capabilities, kernels, builders, running, started, last_seen)
                    VALUES (@id, @Name, @Version, @capabilities, @kernels, @builders, @running, @now, @now)
                    ON CONFLICT (id) DO UPDATE
                    SET name = @Name, version = @Version, capabilities = @capabilities, kernels = @kernels, builders = @builders,
                        running = @running, last_seen = @now
                    """,
                    new
                    {
                        id,
                        report.Name,
                        report.Version,
                        capabilities = Json(report.Capabilities),
                        kernels = Json(report.Kernels),
                        builders = (long)report.Builders,
                        running = Json([.. report.Running.Select(r => r.Build)]),
                        now = UnixMilliseconds.From(clock.GetUtcNow()),
                    },
                    transaction
                ),
            cancellation
        );

    /// <summary>The workers that were heard of in the last while, the latest first.</summary>
    public Task<IReadOnlyList<WorkerView>> ListAsync(TimeSpan heardWithin, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<WorkerView>>(
            async c =>
                [
                    .. (
                        await c.QueryAsync<Row>(
                            """
                            SELECT id, name, version, capabilities, kernels, builders, running, started, last_seen FROM workers
                            WHERE last_seen >= @since ORDER BY last_seen DESC, id LIMIT 10000
                            """,
                            new { since = UnixMilliseconds.From(clock.GetUtcNow() - heardWithin) }
                        )
                    ).Select(r => r.ToView()),
                ],
            cancellation
        );

    /// <summary>Forgets those that are not heard of any more.</summary>
    public Task<int> RemoveOldAsync(CancellationToken cancellation) =>
        database.ChangeAsync(
            transaction =>
                transaction.Connection!.ExecuteAsync(
                    "DELETE FROM workers WHERE last_seen < @before",
                    new { before = UnixMilliseconds.From(clock.GetUtcNow() - Remembered) },
                    transaction
                ),
            cancellation
        );

    private static string Json(IReadOnlyList<string> texts) =>
        JsonSerializer.Serialize(texts, ProtocolJson.Default.IReadOnlyListString);

    // Constructed by the mapper, whose columns have the database's names.
    private sealed class Row
    {
        public string Id { get; init; } = "";

        public string Name { get; init; } = "";

        public string Version { get; init; } = "";

        public string Capabilities { get; init; } = "";

        public string Kernels { get; init; } = "";

        public long Builders { get; init; }

        public string Running { get; init; } = "";

        public long Started { get; init; }

        public long Last_Seen { get; init; }

        public WorkerView ToView() =>
            new(
                Id,
                Name,
                Version,
                List(Capabilities),
                List(Kernels),
                (int)Builders,
                List(Running),
                UnixMilliseconds.To(Started),
                UnixMilliseconds.To(Last_Seen)
            );

        private static IReadOnlyList<string> List(string json) =>
            JsonSerializer.Deserialize(json, ProtocolJson.Default.IReadOnlyListString)!;
    }
}
