using System.Collections.Concurrent;
using System.Data.Common;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Dapper;
using Elivepatch.Builder.Jobs;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

/// <summary>What happened in builds. Any server may write of any build, and hears of what the others wrote.</summary>
public sealed class BuildEventTable(Database database, TimeProvider clock)
{
    /// <summary>The most events of one build; a log that goes on is cut, with a line that says so.</summary>
    public const int MostEvents = BuildJournal.MostEvents;

    private const int PageSize = 500;

    // Events that another process wrote are found by looking.
    private static readonly TimeSpan lookInterval = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<string, TaskCompletionSource> signals = new(StringComparer.Ordinal);

    /// <summary>Adds an event, and gives it its number and time; null where the build has too many.</summary>
    public async Task<BuildEvent?> AddAsync(string build, BuildEvent happened, CancellationToken cancellation)
    {
        var added = await database.ChangeAsync(transaction => AddAsync(build, happened, transaction), cancellation);
        Announce(build);
        return added;
    }

    /// <summary>Adds events in their order, all or none.</summary>
    public async Task AddAllAsync(string build, IReadOnlyList<BuildEvent> happened, CancellationToken cancellation)
    {
        await database.ChangeAsync(
            async transaction =>
            {
                foreach (var item in happened)
                {
                    await AddAsync(build, item, transaction);
                }

                return 0;
            },
            cancellation
        );
        Announce(build);
    }

    /// <summary>Adds an event together with other changes; <see cref="Announce"/> has to follow their commit.</summary>
    internal async Task<BuildEvent?> AddAsync(string build, BuildEvent happened, DbTransaction transaction)
    {
        var connection = transaction.Connection!;
        var last =
            await connection.ExecuteScalarAsync<long?>(
                "SELECT MAX(sequence) FROM build_events WHERE build = @build",
                new { build },
                transaction
            ) ?? 0;
        // The end of a build is always told.
        if (last >= MostEvents && happened.Kind != BuildEventKind.State)
        {
            return null;
        }

        var numbered = happened with { Sequence = last + 1, Time = clock.GetUtcNow() };
        if (last == MostEvents - 1 && happened.Kind != BuildEventKind.State)
        {
            numbered = numbered with { Kind = BuildEventKind.Log, Stage = "", Detail = "(the log is cut here)", Status = null };
        }

        await connection.ExecuteAsync(
            "INSERT INTO build_events (build, sequence, event) VALUES (@build, @Sequence, @json)",
            new
            {
                build,
                numbered.Sequence,
                json = JsonSerializer.Serialize(numbered, ProtocolJson.Default.BuildEvent),
            },
            transaction
        );
        await database.NotifyAsync(build, transaction);
        return numbered;
    }

    /// <summary>Tells those who follow a build that there is something new.</summary>
    internal void Announce(string build)
    {
        if (signals.TryRemove(build, out var signal))
        {
            signal.TrySetResult();
        }
    }

    /// <summary>Lets all who follow a build look.</summary>
    internal void AnnounceAll()
    {
        foreach (var build in signals.Keys)
        {
            Announce(build);
        }
    }

    /// <summary>
    /// The events of a build behind one with this number, as they happen, until its final state or cancellation.
    /// </summary>
    public async IAsyncEnumerable<BuildEvent> FollowAsync(
        string build,
        long after,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        while (true)
        {
            // Taken before looking, so that what is added meanwhile is noticed.
            var signal = signals.GetOrAdd(build, _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            var events = await ReadAsync(build, after, PageSize, cancellation);
            foreach (var happened in events)
            {
                after = happened.Sequence;
                yield return happened;
            }

            if (events.Count > 0)
            {
                continue;
            }

            if (await IsOverAsync(build, after, cancellation))
            {
                signals.TryRemove(build, out _);
                yield break;
            }

            await Task.WhenAny(signal, Task.Delay(lookInterval, clock, cancellation));
            cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The events of a build behind one with this number.</summary>
    public Task<IReadOnlyList<BuildEvent>> ReadAsync(string build, long after, int count, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<BuildEvent>>(
            async c =>
                [
                    .. (
                        await c.QueryAsync<string>(
                            "SELECT event FROM build_events WHERE build = @build AND sequence > @after ORDER BY sequence LIMIT @count",
                            new
                            {
                                build,
                                after,
                                count,
                            }
                        )
                    ).Select(json => JsonSerializer.Deserialize(json, ProtocolJson.Default.BuildEvent)!),
                ],
            cancellation
        );

    /// <summary>The last events of a build that are about stages and states, in their order.</summary>
    public Task<IReadOnlyList<BuildEvent>> ReadStagesAsync(string build, int count, CancellationToken cancellation) =>
        LastAsync(
            // What is inside a text of the JSON has its quotes escaped, so that nothing but the member itself is like this.
            "AND (event LIKE '%\"kind\":\"stage\"%' OR event LIKE '%\"kind\":\"state\"%')",
            build,
            count,
            cancellation
        );

    /// <summary>The last events of a build, in their order.</summary>
    public Task<IReadOnlyList<BuildEvent>> ReadLastAsync(string build, int count, CancellationToken cancellation) =>
        LastAsync("", build, count, cancellation);

    private Task<IReadOnlyList<BuildEvent>> LastAsync(
        string condition,
        string build,
        int count,
        CancellationToken cancellation
    ) =>
        database.ReadAsync<IReadOnlyList<BuildEvent>>(
            async c =>
                [
                    .. (
                        await c.QueryAsync<string>(
                            $"SELECT event FROM build_events WHERE build = @build {condition} ORDER BY sequence DESC LIMIT @count",
                            new { build, count }
                        )
                    )
                        .Reverse()
                        .Select(json => JsonSerializer.Deserialize(json, ProtocolJson.Default.BuildEvent)!),
                ],
            cancellation
        );

    // A state and its event are written at once: a build is over when it has ended and all its events have been told.
    private Task<bool> IsOverAsync(string build, long after, CancellationToken cancellation) =>
        database.ReadAsync(
            async c =>
                await c.ExecuteScalarAsync<long>(
                    """
                    SELECT COUNT(*) FROM builds
                    WHERE id = @build AND state NOT IN ('Queued', 'Running')
                      AND NOT EXISTS (SELECT 1 FROM build_events WHERE build = @build AND sequence > @after)
                    """,
                    new { build, after }
                ) == 1,
            cancellation
        );
}
