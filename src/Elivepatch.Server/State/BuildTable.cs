using System.Data.Common;
using System.Text.Json;
using Dapper;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

/// <summary>
/// The builds, and the queue that those of them are which wait. Every change of state is an event of the build.
/// </summary>
public sealed partial class BuildTable(Database database, BuildEventTable events, TimeProvider clock)
{
    private const string Columns = """
        SELECT id, kernel, release, submission, source, boot_image, patches, token, requester, state, submitted, started, finished, attempts, cancelling,
               worker, used, module, artifact, artifact_size, explanation, console, statement, tested, proof, problems, checked,
               unchecked
        FROM builds
        """;

    // Clocks of several servers differ; more than this is a clock that was set back.
    private static readonly TimeSpan clockTolerance = TimeSpan.FromMinutes(10);

    // So that nobody waits long for the end of one transaction.
    private const int RemovedAtOnce = 50;

    // A use is written once in a while: reading should not become writing.
    private static readonly TimeSpan usePrecision = TimeSpan.FromHours(1);

    // Only who holds a build may change it: whoever was thought dead and comes back changes nothing.
    private const string IsMine = "id = @Build AND state = 'Running' AND worker = @Worker AND attempts = @Attempt";

    /// <summary>
    /// Submits a build. One that is there already keeps its first requester; one that failed, was cancelled or was withdrawn is
    /// queued again for whoever asks now, and so is one whose module the rules of today have not passed.
    /// </summary>
    /// <returns>The build as it stands now, and whether this call queued it.</returns>
    public Task<(StoredBuild Build, bool IsQueued)> SubmitAsync(StoredBuild build, CancellationToken cancellation) =>
        ChangeAsync(
            build.Id,
            async transaction =>
            {
                var connection = transaction.Connection!;
                var added = await connection.ExecuteAsync(
                    """
                    INSERT INTO builds (id, kernel, release, submission, source, boot_image, patches, token, requester, state, submitted, attempts,
                                        cancelling, problems, words)
                    VALUES (@Id, @Kernel, @Release, @Submission, @Source, @BootImage, @patches, @Token, @Requester, 'Queued', @submitted, 0, 0, '[]',
                            @words)
                    ON CONFLICT (id) DO UPDATE
                    SET state = 'Queued', attempts = 0, cancelling = 0, problems = '[]', submitted = @submitted, started = NULL, finished = NULL,
                        token = @Token, requester = @Requester, words = @words,
                        console = NULL, tested = NULL, proof = NULL, worker = NULL, lease = NULL, module = NULL, artifact = NULL,
                        artifact_size = NULL, explanation = NULL, statement = NULL, checked = 0, unchecked = NULL
                    WHERE builds.state IN ('Failed', 'Cancelled', 'Withdrawn')
                       OR (builds.state = 'Succeeded' AND (builds.checked < @Version OR builds.unchecked IS NOT NULL))
                    """,
                    new
                    {
                        build.Id,
                        build.Kernel,
                        build.Release,
                        build.Submission,
                        build.Source,
                        build.BootImage,
                        patches = JsonSerializer.Serialize(build.Patches, ProtocolJson.Default.IReadOnlyListPatchReference),
                        build.Token,
                        build.Requester,
                        submitted = UnixMilliseconds.From(build.Submitted),
                        words = SearchText.Words([
                            build.Id,
                            build.Release,
                            build.Requester,
                            .. build.Patches.Select(p => p.Name),
                        ]),
                        ModuleRules.Version,
                    },
                    transaction
                );
                foreach (var module in build.Modules)
                {
                    await connection.ExecuteAsync(
                        """
                        INSERT INTO build_modules (build, module, blob) VALUES (@Id, @Name, @Sha256)
                        ON CONFLICT (build, module) DO NOTHING
                        """,
                        new
                        {
                            build.Id,
                            module.Name,
                            module.Sha256,
                        },
                        transaction
                    );
                }

                if (added == 1)
                {
                    await TellAsync(build.Id, BuildState.Queued, transaction);
                }

                return (await OneAsync(connection, transaction, build.Id), added == 1);
            },
            cancellation
        );

    /// <summary>Finds a build.</summary>
    public Task<StoredBuild?> FindAsync(string id, CancellationToken cancellation) =>
        database.ReadAsync(
            async c => (await c.QuerySingleOrDefaultAsync<Row>(Columns + " WHERE id = @id", new { id }))?.ToBuild(),
            cancellation
        );

    /// <summary>Lists builds, newest first.</summary>
    /// <param name="state">Only those in this state, or null.</param>
    /// <param name="after">Only those behind this one, or null.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<IReadOnlyList<StoredBuild>> ListAsync(
        BuildState? state,
        string? after,
        int count,
        CancellationToken cancellation
    ) =>
        database.ReadAsync<IReadOnlyList<StoredBuild>>(
            async c =>
                [
                    .. (
                        await c.QueryAsync<Row>(
                            $"{Columns} WHERE {Where(state, after)} ORDER BY submitted DESC, id LIMIT @count",
                            new
                            {
                                state = state?.ToString(),
                                after,
                                count,
                            }
                        )
                    ).Select(r => r.ToBuild()),
                ],
            cancellation
        );

    /// <summary>Says that somebody uses a build; false where it is not there (any more).</summary>
    public async Task<bool> RecordUseAsync(StoredBuild build, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        if (build.Used is { } used && (now - used).Duration() < usePrecision)
        {
            return true;
        }

        return await database.ChangeAsync(
            async t =>
                await t.Connection!.ExecuteAsync(
                    "UPDATE builds SET used = @now WHERE id = @Id",
                    new { build.Id, now = UnixMilliseconds.From(now) },
                    t
                ) == 1,
            cancellation
        );
    }

    /// <summary>
    /// Removes ended builds that nobody has used since a time, with their events, and gives how many those were.
    /// </summary>
    public async Task<int> RemoveUnusedAsync(DateTimeOffset before, CancellationToken cancellation)
    {
        var removed = 0;
        for (var count = RemovedAtOnce; count == RemovedAtOnce; removed += count)
        {
            count = await database.ChangeAsync(t => RemoveUnusedAsync(UnixMilliseconds.From(before), t), cancellation);
        }

        return removed;
    }

    /// <summary>How many builds of a token wait or run.</summary>
    public Task<long> CountOpenAsync(string token, CancellationToken cancellation) =>
        database.ReadAsync(
            c =>
                c.ExecuteScalarAsync<long>(
                    "SELECT COUNT(*) FROM builds WHERE token = @token AND state IN ('Queued', 'Running')",
                    new { token }
                ),
            cancellation
        );

    /// <summary>
    /// Takes a certain build, which runs from then on. One that ran in the hands of a worker that has not been heard of for too
    /// long changes hands; one that was begun too often ends as failed.
    /// </summary>
    /// <param name="id">The build.</param>
    /// <param name="worker">Who takes it.</param>
    /// <param name="heldFor">How long a worker that is not heard of keeps a build.</param>
    /// <param name="mostAttempts">How often a build is begun.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<(BuildTaking Taking, StoredBuild? Build)> BeginAsync(
        string id,
        string worker,
        TimeSpan heldFor,
        int mostAttempts,
        CancellationToken cancellation
    ) =>
        ChangeAsync(
            id,
            async transaction =>
            {
                var connection = transaction.Connection!;
                var found = await connection.QuerySingleOrDefaultAsync<Row>(Columns + " WHERE id = @id", new { id }, transaction);
                if (found?.ToBuild() is not { State: BuildState.Queued or BuildState.Running } build)
                {
                    return (BuildTaking.Over, found?.ToBuild());
                }

                if (build.State == BuildState.Running && await IsHeldAsync(transaction, id, heldFor))
                {
                    return (BuildTaking.Held, build);
                }

                return await RunOrEndAsync(transaction, build, worker, mostAttempts) is { } running
                    ? (BuildTaking.Taken, running)
                    : (BuildTaking.Over, await OneAsync(connection, transaction, id));
            },
            cancellation
        );

    /// <summary>Says that a worker still runs a build.</summary>
    /// <returns>The build as it stands; null where the worker has lost it.</returns>
    public Task<StoredBuild?> RenewAsync(BuildLease lease, CancellationToken cancellation) =>
        database.ChangeAsync(
            async transaction =>
            {
                var connection = transaction.Connection!;
                var held =
                    await connection.ExecuteAsync(
                        "UPDATE builds SET lease = @now WHERE " + IsMine,
                        new
                        {
                            now = UnixMilliseconds.From(clock.GetUtcNow()),
                            lease.Build,
                            lease.Worker,
                            lease.Attempt,
                        },
                        transaction
                    ) == 1;
                return held ? await OneAsync(connection, transaction, lease.Build) : null;
            },
            cancellation
        );

    /// <summary>
    /// Adds what a worker tells of its build, which it holds for another while. A worker that got no answer tells it again: what
    /// is known already is not added twice.
    /// </summary>
    /// <param name="lease">The worker's hold.</param>
    /// <param name="told">How many events the worker told of in this attempt before these.</param>
    /// <param name="happened">The events, in their order.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>False where the worker has lost the build.</returns>
    public Task<bool> AddEventsAsync(
        BuildLease lease,
        long told,
        IReadOnlyList<BuildEvent> happened,
        CancellationToken cancellation
    ) =>
        ChangeAsync(
            lease.Build,
            async transaction =>
            {
                var connection = transaction.Connection!;
                var heard = await connection.ExecuteScalarAsync<long?>(
                    "SELECT heard FROM builds WHERE " + IsMine,
                    new
                    {
                        lease.Build,
                        lease.Worker,
                        lease.Attempt,
                    },
                    transaction
                );
                if (heard is null)
                {
                    return false;
                }

                foreach (var item in happened.Skip((int)Math.Clamp(heard.Value - told, 0, happened.Count)))
                {
                    await events.AddAsync(lease.Build, item, transaction);
                }

                await connection.ExecuteAsync(
                    "UPDATE builds SET lease = @now, heard = @heard WHERE id = @Build",
                    new
                    {
                        now = UnixMilliseconds.From(clock.GetUtcNow()),
                        heard = Math.Max(heard.Value, told + happened.Count),
                        lease.Build,
                    },
                    transaction
                );
                return true;
            },
            cancellation
        );

    /// <summary>
    /// Ends a running build, all at once; false where the worker does not run it (any more): somebody else has taken or ended it,
    /// and this end is not taken.
    /// </summary>
    public Task<bool> FinishAsync(BuildLease lease, BuildEnd end, CancellationToken cancellation) =>
        ChangeAsync(
            lease.Build,
            async transaction => await IsMineAsync(transaction, lease) && await EndAsync(transaction, lease.Build, end),
            cancellation
        );

    /// <summary>Ends a build that nobody can take; false where it does not wait (any more).</summary>
    public Task<bool> FailQueuedAsync(string id, Problem problem, CancellationToken cancellation) =>
        ChangeAsync(
            id,
            async transaction =>
                await transaction.Connection!.ExecuteScalarAsync<long>(
                    "SELECT COUNT(*) FROM builds WHERE id = @id AND state = 'Queued'",
                    new { id },
                    transaction
                ) == 1
                && await EndAsync(transaction, id, BuildEnd.Failed(problem)),
            cancellation
        );

    /// <summary>
    /// Marks a build that somebody wants cancelled. One that waits ends at once; one that runs is ended by its builder.
    /// </summary>
    /// <returns>The build as it stands now; null where there is none.</returns>
    public Task<StoredBuild?> CancelAsync(string id, CancellationToken cancellation) =>
        ChangeAsync(
            id,
            async transaction =>
            {
                var connection = transaction.Connection!;
                var now = UnixMilliseconds.From(clock.GetUtcNow());
                await connection.ExecuteAsync(
                    "UPDATE builds SET cancelling = 1 WHERE id = @id AND state = 'Running'",
                    new { id },
                    transaction
                );
                var ended = await connection.ExecuteAsync(
                    "UPDATE builds SET state = 'Cancelled', finished = @now WHERE id = @id AND state = 'Queued'",
                    new { id, now },
                    transaction
                );
                if (ended == 1)
                {
                    await TellAsync(id, BuildState.Cancelled, transaction);
                }

                return (
                    await connection.QuerySingleOrDefaultAsync<Row>(Columns + " WHERE id = @id", new { id }, transaction)
                )?.ToBuild();
            },
            cancellation
        );

    /// <summary>Queues again what ran in the hands of workers that have ended.</summary>
    /// <param name="silentFor">
    /// How long nothing has been heard of them; null for all that runs, where nobody but the caller can have run it.
    /// </param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The ids of the builds that go on.</returns>
    public async Task<IReadOnlyList<string>> RequeueInterruptedAsync(TimeSpan? silentFor, CancellationToken cancellation)
    {
        var queued = await database.ChangeAsync<IReadOnlyList<string>>(
            async transaction =>
            {
                var connection = transaction.Connection!;
                var before = silentFor is { } silence ? UnixMilliseconds.From(clock.GetUtcNow() - silence) : long.MaxValue;
                // A lease of the future is from before the clock was set back. Who lives has long renewed it.
                var future = silentFor is null ? long.MaxValue : UnixMilliseconds.From(clock.GetUtcNow() + clockTolerance);
                var ids = (
                    await connection.QueryAsync<string>(
                        "SELECT id FROM builds WHERE state = 'Running' AND (COALESCE(lease, 0) < @before OR lease > @future)",
                        new { before, future },
                        transaction
                    )
                ).ToList();
                foreach (var id in ids)
                {
                    await connection.ExecuteAsync("UPDATE builds SET state = 'Queued' WHERE id = @id", new { id }, transaction);
                    await TellAsync(id, BuildState.Queued, transaction);
                }

                return ids;
            },
            cancellation
        );
        foreach (var id in queued)
        {
            events.Announce(id);
        }

        return queued;
    }

    /// <summary>Queues a running build again that is not to blame for its end: this attempt does not count.</summary>
    /// <returns>False where the worker does not run it (any more).</returns>
    public Task<bool> RequeueAsync(BuildLease lease, CancellationToken cancellation) =>
        ChangeAsync(
            lease.Build,
            async transaction =>
            {
                var queued =
                    await transaction.Connection!.ExecuteAsync(
                        "UPDATE builds SET state = 'Queued', attempts = attempts - 1 WHERE " + IsMine,
                        new
                        {
                            lease.Build,
                            lease.Worker,
                            lease.Attempt,
                        },
                        transaction
                    ) == 1;
                if (queued)
                {
                    await TellAsync(lease.Build, BuildState.Queued, transaction);
                }

                return queued;
            },
            cancellation
        );

    private async Task<bool> EndAsync(DbTransaction transaction, string id, BuildEnd made)
    {
        // Whoever built it has checked it, by the rules of this version: no other may build.
        var end = await AfterWithdrawalAsync(made, ModuleRules.Version, transaction);
        var ended =
            await transaction.Connection!.ExecuteAsync(
                """
                UPDATE builds
                SET state = @state, finished = @now, cancelling = 0, module = @Module, artifact = @Artifact,
                    artifact_size = @ArtifactSize, explanation = @Explanation, console = @Console, statement = @Statement,
                    tested = @tested, proof = @Proof, problems = @problems, checked = @Version, unchecked = NULL
                WHERE id = @id AND state IN ('Queued', 'Running')
                """,
                new
                {
                    id,
                    state = end.State.ToString(),
                    now = UnixMilliseconds.From(clock.GetUtcNow()),
                    end.Module,
                    end.Artifact,
                    end.ArtifactSize,
                    end.Explanation,
                    end.Console,
                    end.Statement,
                    end.Proof,
                    tested = end.Tested is { } tested ? (tested ? 1L : 0L) : default(long?),
                    problems = JsonSerializer.Serialize(end.Problems, ProtocolJson.Default.IReadOnlyListProblemReport),
                    ModuleRules.Version,
                },
                transaction
            ) == 1;
        if (ended)
        {
            await TellAsync(id, end.State, transaction);
        }

        return ended;
    }

    private async Task<StoredBuild> RunAsync(DbTransaction transaction, string id, string worker)
    {
        await transaction.Connection!.ExecuteAsync(
            """
            UPDATE builds
            SET state = 'Running', attempts = attempts + 1, started = @now, worker = @worker, lease = @now, heard = 0
            WHERE id = @id
            """,
            new
            {
                id,
                worker,
                now = UnixMilliseconds.From(clock.GetUtcNow()),
            },
            transaction
        );
        await TellAsync(id, BuildState.Running, transaction);
        var running = await OneAsync(transaction.Connection!, transaction, id);
        await NoteTurnAsync(transaction, running.Token);
        return running;
    }

    private async Task<bool> IsHeldAsync(DbTransaction transaction, string id, TimeSpan heldFor) =>
        await transaction.Connection!.ExecuteScalarAsync<long>(
            "SELECT COUNT(*) FROM builds WHERE id = @id AND COALESCE(lease, 0) >= @since AND lease <= @future",
            new
            {
                id,
                since = UnixMilliseconds.From(clock.GetUtcNow() - heldFor),
                future = UnixMilliseconds.From(clock.GetUtcNow() + clockTolerance),
            },
            transaction
        ) == 1;

    private static async Task<bool> IsMineAsync(DbTransaction transaction, BuildLease lease) =>
        await transaction.Connection!.ExecuteScalarAsync<long>(
            "SELECT COUNT(*) FROM builds WHERE " + IsMine,
            new
            {
                lease.Build,
                lease.Worker,
                lease.Attempt,
            },
            transaction
        ) == 1;

    private static async Task<int> RemoveUnusedAsync(long before, DbTransaction transaction)
    {
        var connection = transaction.Connection!;
        var ids = (
            await connection.QueryAsync<string>(
                """
                SELECT id FROM builds
                WHERE state NOT IN ('Queued', 'Running') AND COALESCE(finished, submitted) < @before AND COALESCE(used, 0) < @before
                LIMIT @RemovedAtOnce
                """,
                new { before, RemovedAtOnce },
                transaction
            )
        ).ToList();
        foreach (var id in ids)
        {
            await connection.ExecuteAsync("DELETE FROM build_events WHERE build = @id", new { id }, transaction);
            await connection.ExecuteAsync("DELETE FROM build_modules WHERE build = @id", new { id }, transaction);
            await connection.ExecuteAsync("DELETE FROM builds WHERE id = @id", new { id }, transaction);
        }

        return ids.Count;
    }

    private static string Where(BuildState? state, string? after)
    {
        var ofState = state is null ? "1 = 1" : "state = @state";
        return after is null
            ? ofState
            : $"""
                {ofState}
                AND (submitted < (SELECT submitted FROM builds WHERE id = @after)
                     OR (submitted = (SELECT submitted FROM builds WHERE id = @after) AND id > @after))
                """;
    }

    private async Task<T> ChangeAsync<T>(string build, Func<DbTransaction, Task<T>> work, CancellationToken cancellation)
    {
        var result = await database.ChangeAsync(work, cancellation);
        events.Announce(build);
        return result;
    }

    private Task TellAsync(string build, BuildState state, DbTransaction transaction) =>
        events.AddAsync(build, new(0, default, BuildEventKind.State, "", state.ToString().ToLowerInvariant()), transaction);

    private static async Task<StoredBuild> OneAsync(DbConnection connection, DbTransaction transaction, string id) =>
        (await connection.QuerySingleAsync<Row>(Columns + " WHERE id = @id", new { id }, transaction)).ToBuild();

    // Constructed by the mapper, whose columns have the database's names.
    private sealed class Row
    {
        public string Id { get; init; } = "";

        public string Kernel { get; init; } = "";

        public string Release { get; init; } = "";

        public string Submission { get; init; } = "";

        public string? Source { get; init; }

        public string? Boot_Image { get; init; }

        public string Patches { get; init; } = "";

        public string Token { get; init; } = "";

        public string Requester { get; init; } = "";

        public string State { get; init; } = "";

        public long Submitted { get; init; }

        public long? Started { get; init; }

        public long? Finished { get; init; }

        public long Attempts { get; init; }

        public long Cancelling { get; init; }

        public string? Worker { get; init; }

        public long? Used { get; init; }

        public string? Module { get; init; }

        public string? Artifact { get; init; }

        public long? Artifact_Size { get; init; }

        public string? Explanation { get; init; }

        public string? Console { get; init; }

        public string? Statement { get; init; }

        public long? Tested { get; init; }

        public string? Proof { get; init; }

        public string Problems { get; init; } = "";

        public long Checked { get; init; }

        public string? Unchecked { get; init; }

        public StoredBuild ToBuild()
        {
            var state = Enum.Parse<BuildState>(State);
            return new()
            {
                Id = Id,
                Kernel = Kernel,
                Release = Release,
                Submission = Submission,
                Source = Source,
                BootImage = Boot_Image,
                Patches = JsonSerializer.Deserialize(Patches, ProtocolJson.Default.IReadOnlyListPatchReference)!,
                Token = Token,
                Requester = Requester,
                State = state,
                Submitted = UnixMilliseconds.To(Submitted),
                Started = UnixMilliseconds.To(Started),
                Finished = UnixMilliseconds.To(Finished),
                Attempts = (int)Attempts,
                IsCancelling = Cancelling != 0,
                Worker = Worker,
                Used = UnixMilliseconds.To(Used),
                Checked = (int)Checked,
                Unchecked = Unchecked,
                End = state is BuildState.Queued or BuildState.Running ? null : ToEnd(state),
            };
        }

        private BuildEnd ToEnd(BuildState state) =>
            new()
            {
                State = state,
                Problems = JsonSerializer.Deserialize(Problems, ProtocolJson.Default.IReadOnlyListProblemReport)!,
                Module = Module,
                Artifact = Artifact,
                ArtifactSize = Artifact_Size ?? 0,
                Explanation = Explanation,
                Console = Console,
                Statement = Statement,
                Tested = Tested is { } tested ? tested != 0 : null,
                Proof = Proof,
            };
    }
}
