using System.Globalization;
using System.Security.Cryptography;
using Dapper;

namespace Elivepatch.Server.State;

/// <summary>The audit log.</summary>
public sealed class AuditTable(Database database, TimeProvider clock)
{
    private static long last;

    private const string Columns = "SELECT id, time, token, name, address, action, subject, status FROM audit";

    /// <summary>Adds an entry, with its number and time.</summary>
    public Task AddAsync(AuditEntry entry, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        return database.ChangeAsync(
            t => t.Connection!.ExecuteAsync(
                """
                INSERT INTO audit (id, time, token, name, address, action, subject, status)
                VALUES (@id, @time, @Token, @Name, @Address, @Action, @Subject, @Status)
                """,
                new
                {
                    id = NewId(now),
                    time = Moment.From(now),
                    entry.Token,
                    entry.Name,
                    entry.Address,
                    entry.Action,
                    entry.Subject,
                    entry.Status,
                },
                t),
            cancellation);
    }

    /// <summary>The newest entries, newest first.</summary>
    public Task<IReadOnlyList<AuditEntry>> ListAsync(int count, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<AuditEntry>>(
            async c =>
            [
                .. (await c.QueryAsync<Row>(Columns + " ORDER BY time DESC, id DESC LIMIT @count", new { count }))
                    .Select(r => r.ToEntry()),
            ],
            cancellation);

    /// <summary>Forgets what is older than a time, and gives how many entries that were.</summary>
    public Task<int> ForgetAsync(DateTimeOffset before, CancellationToken cancellation) => database.ChangeAsync(
        t => t.Connection!.ExecuteAsync("DELETE FROM audit WHERE time < @before", new { before = Moment.From(before) }, t),
        cancellation);

    // In the order in which they are made, also those of one millisecond.
    private static string NewId(DateTimeOffset now) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Moment.From(now):x12}-{Interlocked.Increment(ref last):x8}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");

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

        public AuditEntry ToEntry() => new(Id, Moment.To(Time), Token, Name, Address, Action, Subject, (int)Status);
    }
}
