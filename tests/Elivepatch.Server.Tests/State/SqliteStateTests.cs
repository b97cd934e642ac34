using Elivepatch.Model;
using Elivepatch.Server.Hosting;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Sqlite;

namespace Elivepatch.Server.Tests.State;

/// <summary>The state in a folder: what all databases do, and what concerns files.</summary>
public sealed class SqliteStateTests : StateTests, IDisposable
{
    private readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Theory]
    [InlineData("no database at all, and long enough to have a header of one")]
    [InlineData("SQLite format 3\0 and then nonsense, nonsense, nonsense, nonsense, nonsense, nonsense, nonsense, nonsense")]
    public async Task A_file_that_is_no_database_is_refused(string content)
    {
        scratch.Write("state.db", content);
        var opened = await SqliteDatabase.OpenAsync(scratch.PathOf("state.db"), Cancellation);
        Assert.Equal("ELP1016", Assert.Single(opened.Problems).Code.Id);
        Assert.Equal(content, await File.ReadAllTextAsync(scratch.PathOf("state.db"), Cancellation));
    }

    [Fact]
    public async Task Nobody_but_its_owner_can_look_into_the_state()
    {
        await using var server = await RunningServer.StartAsync(state: scratch.PathOf("own"));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(scratch.PathOf("own"))
        );
    }

    [Fact]
    public async Task Two_servers_do_not_work_on_one_state()
    {
        await using (await RunningServer.StartAsync(state: scratch.PathOf("own")))
        {
            var second = await ServerHost.OpenAsync(
                RunningServer.Options(scratch.PathOf("own")),
                _ => { },
                TimeProvider.System,
                Cancellation
            );
            var problem = Assert.Single(second.Problems);
            Assert.Equal("ELP1016", problem.Code.Id);
            Assert.StartsWith("another elivepatchd works on ", problem.Reason, StringComparison.Ordinal);
        }

        // The one that has ended holds nothing.
        await using var third = await RunningServer.StartAsync(state: scratch.PathOf("own"));
        Assert.Null(third.Administrator);
    }

    protected override Task<Outcome<Database>> TryOpenAsync() =>
        SqliteDatabase.OpenAsync(scratch.PathOf("state.db"), Cancellation);
}
