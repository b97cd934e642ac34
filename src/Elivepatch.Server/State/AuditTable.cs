// In: entries, from many requests at once. Out: rows, many in one transaction: a commit waits for the disk, and whoever comes
// while one waits goes along with the next. Nobody is told that an entry is kept before it is.

using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using Dapper;

namespace Elivepatch.Server.State;

/// <summary>The audit log.</summary>
public sealed class AuditTable(Database database, TimeProvider clock)
{
    private const int MostAtOnce = 200;
    private const string Columns = "SELECT id, time, token, name, address, action, subject, status FROM audit";

    private static long last;
    private readonly Lock gate = new();
    private readonly Queue<Waiting> waiting = new();
    private bool isWriting;

    /// <summary>Adds an entry, with its number and time.</summary>
    public Task AddAsync(AuditEntry entry, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var added = new Waiting(entry with { Id = NewId(now), Time = now });
        lock (gate)
        {
            waiting.Enqueue(added);
            if (!isWriting)
            {
                isWriting = true;
                _ = Task.Run(WriteAllAsync, CancellationToken.None);
            }
        }

        // Whoever does not wait any longer has it noted all the same.
        return added.Done.Task.WaitAsync(cancellation);
    }

    /// <summary>The newest entries, newest first.</summary>
    public Task<IReadOnlyList<AuditEntry>> ListAsync(int count, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<AuditEntry>>(
            async c =>
                [
                    .. (await c.QueryAsync<Row>(Columns + " ORDER BY time DESC, id DESC LIMIT @count", new { count })).Select(r =>
                        r.ToEntry()
                    ),
                ],
            cancellation
        );

    /// <summary>Forgets what is older than a time, and gives how many entries that were.</summary>
    public Task<int> RemoveOldAsync(DateTimeOffset before, CancellationToken cancellation) =>
        database.ChangeAsync(
            t =>
                t.Connection!.ExecuteAsync(
                    "DELETE FROM audit WHERE time < @before",
                    new { before = UnixMilliseconds.From(before) },
                    t
                ),
            cancellation
        );

    private async Task WriteAllAsync()
    {
        while (true)
        {
            var batch = new List<Waiting>();
            lock (gate)
            {
                while (batch.Count < MostAtOnce && waiting.TryDequeue(out var next))
                {
                    batch.Add(next);
                }

                if (batch.Count == 0)
                {
                    isWriting = false;
                    return;
                }
            }

            try
            {
                await database.ChangeAsync(t => WriteAsync(batch, t), CancellationToken.None);
                foreach (var one in batch)
                {
                    one.Done.SetResult();
                }
            }
            catch (Exception e)
            {
                // Each of them is told, and says it in the log.
                foreach (var one in batch)
                {
                    one.Done.SetException(e);
                }
            }
        }
    }

    private Task<int> WriteAsync(List<Waiting> batch, DbTransaction transaction)
    {
        return database.InsertAllAsync(
            "audit",
            [
                new("id", Column(e => e.Id)),
                new("time", Column(e => UnixMilliseconds.From(e.Time))),
                new("token", Column(e => e.Token)),
                new("name", Column(e => e.Name)),
                new("address", Column(e => e.Address)),
                new("action", Column(e => e.Action)),
                new("subject", Column(e => e.Subject)),
                new("status", Column(e => (long)e.Status)),
            ],
            transaction
        );

        T[] Column<T>(Func<AuditEntry, T> of) => [.. batch.Select(b => of(b.Entry))];
    }

    // In the order in which they are made, also those of one millisecond.
    private static string NewId(DateTimeOffset now) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{UnixMilliseconds.From(now):x12}-{Interlocked.Increment(ref last):x8}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}"
        );

    private sealed record Waiting(AuditEntry Entry)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    // Constructed by the mapper, whose columns have the database's names.
    private sealed class Row
    {
        public string Id { get; init; } = "";

        public long Time { get; init; }

        public string Token { get; init; } = "";

        public string Name { get; init; } = "";

        public string Address { get; init; } = "";

        public string Action { get; init; } = "";

        public string Subject { get; init; } = "";

        public long Status { get; init; }

        public AuditEntry ToEntry() => new(Id, UnixMilliseconds.To(Time), Token, Name, Address, Action, Subject, (int)Status);
    }
}
