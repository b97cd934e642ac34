using Dapper;

namespace Elivepatch.Server.State;

/// <summary>
/// What one of several servers does for all of them. Whoever does it says so again and again; from one that is not heard of,
/// killed or stopped, another takes it over.
/// </summary>
internal sealed class ChoreTable(Database database, TimeProvider clock)
{
    /// <summary>Takes or keeps a chore; false where another has it.</summary>
    /// <param name="name">The chore.</param>
    /// <param name="holder">Who takes it: another name at each start.</param>
    /// <param name="time">For how long nobody else takes it.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<bool> TakeAsync(string name, string holder, TimeSpan time, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var values = new
        {
            name,
            holder,
            now = UnixMilliseconds.From(now),
            until = UnixMilliseconds.From(now + time),
        };
        return database.ChangeAsync(
            // A time that lies further ahead than anybody asks for is from before the clock was set back.
            async t =>
                await t.Connection!.ExecuteAsync(
                    """
                    INSERT INTO chores (name, holder, until) VALUES (@name, @holder, @until)
                    ON CONFLICT (name) DO UPDATE SET holder = @holder, until = @until
                    WHERE chores.holder = @holder OR chores.until < @now OR chores.until > @until
                    """,
                    values,
                    t
                ) == 1,
            cancellation
        );
    }

    /// <summary>Lets a chore go, so that nobody waits for it.</summary>
    public Task ReleaseAsync(string name, string holder, CancellationToken cancellation) =>
        database.ChangeAsync(
            t =>
                t.Connection!.ExecuteAsync("DELETE FROM chores WHERE name = @name AND holder = @holder", new { name, holder }, t),
            cancellation
        );
}
