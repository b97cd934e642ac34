using System.Text.Json;
using Dapper;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

/// <summary>The machines that report.</summary>
public sealed class MachineTable(Database database)
{
    private const string Columns = "SELECT id, token, reporter, report, first_seen, last_seen FROM machines";

    /// <summary>Keeps what a machine says in place of what it said before.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="most">How many machines its token may have.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The machine as it is kept now; null where its token has too many.</returns>
    public Task<StoredMachine?> ReportAsync(StoredMachine machine, int most, CancellationToken cancellation) =>
        database.ChangeAsync(
            async transaction =>
            {
                var connection = transaction.Connection!;
                var row = new
                {
                    machine.Id,
                    machine.Token,
                    machine.Reporter,
                    name = machine.Report.Name,
                    release = machine.Report.Release,
                    buildId = machine.Report.BuildId,
                    report = JsonSerializer.Serialize(machine.Report, ProtocolJson.Default.MachineReport),
                    words = SearchText.Words([
                        machine.Report.Name,
                        machine.Report.Release,
                        machine.Report.BuildId,
                        machine.Reporter,
                        .. machine.Report.Livepatches.SelectMany(WordsOf),
                    ]),
                    seen = UnixMilliseconds.From(machine.LastSeen),
                };
                // Machines are counted when one is new alone: many report at once, and what one counts another would change.
                var known =
                    await connection.ExecuteAsync(
                        """
                        UPDATE machines
                        SET reporter = @Reporter, release = @release, build_id = @buildId, report = @report, words = @words, last_seen = @seen
                        WHERE id = @Id
                        """,
                        row,
                        transaction
                    ) == 1;
                if (!known)
                {
                    var others = await connection.ExecuteScalarAsync<long>(
                        "SELECT COUNT(*) FROM machines WHERE token = @Token",
                        row,
                        transaction
                    );
                    if (others >= most)
                    {
                        return null;
                    }

                    await connection.ExecuteAsync(
                        """
                        INSERT INTO machines (id, token, reporter, name, release, build_id, report, words, first_seen, last_seen)
                        VALUES (@Id, @Token, @Reporter, @name, @release, @buildId, @report, @words, @seen, @seen)
                        """,
                        row,
                        transaction
                    );
                }

                return (
                    await connection.QuerySingleAsync<Row>(Columns + " WHERE id = @Id", new { machine.Id }, transaction)
                ).ToMachine();
            },
            cancellation
        );

    /// <summary>Finds a machine.</summary>
    public Task<StoredMachine?> FindAsync(string id, CancellationToken cancellation) =>
        database.ReadAsync(
            async c => (await c.QuerySingleOrDefaultAsync<Row>(Columns + " WHERE id = @id", new { id }))?.ToMachine(),
            cancellation
        );

    /// <summary>Lists machines in the order of their names.</summary>
    /// <param name="text">
    /// Only those with this in their name, release, build-id or token's name, or in the name, state, functions or patches of a
    /// livepatch; or null.
    /// </param>
    /// <param name="after">Only those behind the one with this id, or null.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<IReadOnlyList<StoredMachine>> ListAsync(string? text, string? after, int count, CancellationToken cancellation)
    {
        List<string> conditions = [];
        if (text is not null)
        {
            conditions.Add("words LIKE @text ESCAPE '!'");
        }

        if (after is not null)
        {
            conditions.Add(
                """
                (name > (SELECT name FROM machines WHERE id = @after)
                 OR (name = (SELECT name FROM machines WHERE id = @after) AND id > @after))
                """
            );
        }

        var where = conditions.Count == 0 ? "" : $" WHERE {string.Join(" AND ", conditions)}";
        return database.ReadAsync<IReadOnlyList<StoredMachine>>(
            async c =>
                [
                    .. (
                        await c.QueryAsync<Row>(
                            $"{Columns}{where} ORDER BY name, id LIMIT @count",
                            new
                            {
                                text = SearchText.Pattern(text ?? ""),
                                after = after ?? "",
                                count,
                            }
                        )
                    ).Select(r => r.ToMachine()),
                ],
            cancellation
        );
    }

    /// <summary>Finds machines of one kernel that may have a module, in the order of their ids: their reports say.</summary>
    /// <param name="buildId">Build-id of the kernel.</param>
    /// <param name="artifact">SHA-256 of the module.</param>
    /// <param name="module">Its name.</param>
    /// <param name="after">Only those behind the one with this id, or null.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<IReadOnlyList<StoredMachine>> ListWithModuleAsync(
        string buildId,
        string artifact,
        string module,
        string? after,
        int count,
        CancellationToken cancellation
    ) =>
        database.ReadAsync<IReadOnlyList<StoredMachine>>(
            async c =>
                [
                    .. (
                        await c.QueryAsync<Row>(
                            $"""
                            {Columns} WHERE build_id = @buildId AND id > @after
                            AND (words LIKE @artifact ESCAPE '!' OR words LIKE @module ESCAPE '!') ORDER BY id LIMIT @count
                            """,
                            new
                            {
                                buildId,
                                artifact = SearchText.Pattern(artifact),
                                module = SearchText.Pattern(module),
                                after = after ?? "",
                                count,
                            }
                        )
                    ).Select(r => r.ToMachine()),
                ],
            cancellation
        );

    /// <summary>Forgets machines that have not reported since a time, and gives how many those were.</summary>
    public Task<int> RemoveOldAsync(DateTimeOffset before, CancellationToken cancellation) =>
        database.ChangeAsync(
            t =>
                t.Connection!.ExecuteAsync(
                    "DELETE FROM machines WHERE last_seen < @before",
                    new { before = UnixMilliseconds.From(before) },
                    t
                ),
            cancellation
        );

    // What people call the states besides: one that tasks go over to or leave is in transition, and stuck where tasks keep it
    // from ending.
    private static IEnumerable<string> WordsOf(ReportedLivepatch livepatch)
    {
        var isChanging = livepatch.State is LivepatchStates.GoingLive or LivepatchStates.GoingAway;
        return
        [
            livepatch.Name,
            livepatch.Sha256 ?? "",
            livepatch.State,
            isChanging ? "in transition" : "",
            isChanging && livepatch.BlockingCount > 0 ? "stuck" : "",
            .. livepatch.Functions,
            .. livepatch.Patches.Select(p => p.Name),
        ];
    }

    // Constructed by the mapper, whose columns have the database's names.
    private sealed class Row
    {
        public string Id { get; init; } = "";

        public string Token { get; init; } = "";

        public string Reporter { get; init; } = "";

        public string Report { get; init; } = "";

        public long First_Seen { get; init; }

        public long Last_Seen { get; init; }

        public StoredMachine ToMachine() =>
            new(
                Id,
                Token,
                Reporter,
                JsonSerializer.Deserialize(Report, ProtocolJson.Default.MachineReport)!,
                UnixMilliseconds.To(First_Seen),
                UnixMilliseconds.To(Last_Seen)
            );
    }
}
