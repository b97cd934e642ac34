// In: the builds that wait. Out: whose turn it is. The turn goes to a token that has the fewest builds running, among those to
// the one that had its turn longest ago, and of its builds to the one that has waited longest. What was begun and interrupted has
// its turn still, and goes on first. So nobody waits for more than one build of each of the others, however many those have, and
// a token that has all builders leaves the next that is free to somebody else. It is decided where the build is taken, in the
// transaction that takes it: so it holds for any number of servers and workers, and a message over the broker says that a build
// waits, not which one is next.

using System.Data.Common;
using Dapper;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

public sealed partial class BuildTable
{
    // One that was asked for in the future, before the clock was set back, has waited longest of all: else it would wait until
    // then.
    private const string InTurn = """
        CASE WHEN b.started IS NULL THEN 1 ELSE 0 END,
        (SELECT COUNT(*) FROM builds r WHERE r.token = b.token AND r.state = 'Running'),
        COALESCE((SELECT t.number FROM turns t WHERE t.token = b.token), 0),
        CASE WHEN b.submitted > @now THEN 0 ELSE b.submitted END, b.submitted, b.id
        """;

    /// <summary>Takes the build whose turn it is, which runs from then on; null where none waits.</summary>
    /// <param name="worker">Who takes it.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<StoredBuild?> TakeAsync(string worker, CancellationToken cancellation)
    {
        var taken = await database.ChangeAsync(
            async transaction =>
            {
                var id = await transaction.Connection!.ExecuteScalarAsync<string?>(
                    $"SELECT b.id FROM builds b WHERE b.state = 'Queued' ORDER BY {InTurn} LIMIT 1",
                    new { now = UnixMilliseconds.From(clock.GetUtcNow()) },
                    transaction
                );
                return id is null ? null : await RunAsync(transaction, id, worker);
            },
            cancellation
        );
        if (taken is not null)
        {
            events.Announce(taken.Id);
        }

        return taken;
    }

    /// <summary>
    /// Takes a build for a worker that was told of one: the one whose turn it is among those that wait and need the same
    /// compiler. Those of workers that have not been heard of for too long wait as well; of all of them, those that were begun
    /// too often end as failed.
    /// </summary>
    /// <param name="told">The build that the worker was told of.</param>
    /// <param name="worker">Who takes it.</param>
    /// <param name="heldFor">How long a worker that is not heard of keeps a build.</param>
    /// <param name="mostAttempts">How often a build is begun.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The build that was taken; else the one that the worker was told of, which is held or over.</returns>
    public async Task<(BuildTaking Taking, StoredBuild? Build)> TakeInTurnAsync(
        string told,
        string worker,
        TimeSpan heldFor,
        int mostAttempts,
        CancellationToken cancellation
    )
    {
        var changed = new HashSet<string>(StringComparer.Ordinal);
        var taken = await database.ChangeAsync(
            async transaction =>
            {
                changed.Clear();
                while (await NextAsync(transaction, told, heldFor) is { } next)
                {
                    changed.Add(next.Id);
                    if (await RunOrEndAsync(transaction, next, worker, mostAttempts) is { } running)
                    {
                        return (BuildTaking.Taken, running);
                    }
                }

                var found = await transaction.Connection!.QuerySingleOrDefaultAsync<Row>(
                    Columns + " WHERE id = @told",
                    new { told },
                    transaction
                );
                return (found?.State == nameof(BuildState.Running) ? BuildTaking.Held : BuildTaking.Over, found?.ToBuild());
            },
            cancellation
        );
        foreach (var id in changed)
        {
            events.Announce(id);
        }

        return taken;
    }

    private async Task<StoredBuild?> NextAsync(DbTransaction transaction, string told, TimeSpan heldFor)
    {
        var now = clock.GetUtcNow();
        var id = await transaction.Connection!.ExecuteScalarAsync<string?>(
            $"""
            SELECT b.id FROM builds b JOIN kernels k ON k.id = b.kernel
            WHERE (b.state = 'Queued' OR (b.state = 'Running' AND NOT (COALESCE(b.lease, 0) >= @since AND b.lease <= @future)))
              AND k.compiler = (SELECT tk.compiler FROM kernels tk JOIN builds tb ON tb.kernel = tk.id WHERE tb.id = @told)
            ORDER BY {InTurn} LIMIT 1
            """,
            new
            {
                told,
                now = UnixMilliseconds.From(now),
                since = UnixMilliseconds.From(now - heldFor),
                future = UnixMilliseconds.From(now + clockTolerance),
            },
            transaction
        );
        return id is null ? null : await OneAsync(transaction.Connection!, transaction, id);
    }

    // Null where it has been begun too often, or shall not be begun: then it has ended.
    private async Task<StoredBuild?> RunOrEndAsync(DbTransaction transaction, StoredBuild build, string worker, int mostAttempts)
    {
        if (build.Attempts < mostAttempts && !build.IsCancelling)
        {
            return await RunAsync(transaction, build.Id, worker);
        }

        var end = build.IsCancelling
            ? new BuildEnd { State = BuildState.Cancelled }
            : BuildEnd.Failed(new(ServiceProblems.BuildAbandoned, $"it was interrupted {mostAttempts} times"));
        await EndAsync(transaction, build.Id, end);
        return null;
    }

    private static Task NoteTurnAsync(DbTransaction transaction, string token) =>
        transaction.Connection!.ExecuteAsync(
            """
            INSERT INTO turns (token, number) VALUES (@token, (SELECT COALESCE(MAX(number), 0) + 1 FROM turns))
            ON CONFLICT (token) DO UPDATE SET number = (SELECT COALESCE(MAX(number), 0) + 1 FROM turns)
            """,
            new { token },
            transaction
        );
}
