using System.Text.Json;
using Dapper;
using Elivepatch.Protocol;

namespace Elivepatch.Server.State;

/// <summary>The workers, for those who look.</summary>
public sealed class WorkerList(Database database)
{
    private const int Most = 1000;

    /// <summary>The workers that were heard of since a time, in the order of their names.</summary>
    public Task<IReadOnlyList<StoredWorker>> ReadAsync(DateTimeOffset since, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<StoredWorker>>(
            async c =>
            [
                .. (await c.QueryAsync<Row>(
                    """
                    SELECT id, name, version, capabilities, kernels, builders, running, started, last_seen FROM workers
                    WHERE last_seen >= @since ORDER BY name, id LIMIT @most
                    """,
                    new { since = Moment.From(since), most = Most })).Select(r => r.ToWorker()),
            ],
            cancellation);

    // Constructed by the mapper, whose columns have the database's names.
    private sealed class Row
    {
        public string Id { get; init; } = "";

        public string Name { get; init; } = "";

        public string Version { get; init; } = "";

        public string Capabilities { get; init; } = "[]";

        public string Kernels { get; init; } = "[]";

        public long Builders { get; init; }

        public string Running { get; init; } = "[]";

        public long Started { get; init; }

        public long Last_Seen { get; init; }

        public StoredWorker ToWorker() => new(
            Id, Name, Version, List(Capabilities), List(Kernels), (int)Builders, List(Running), Moment.To(Started), Moment.To(Last_Seen));

        private static IReadOnlyList<string> List(string json) =>
            JsonSerializer.Deserialize(json, ProtocolJson.Default.IReadOnlyListString) ?? [];
    }
}
