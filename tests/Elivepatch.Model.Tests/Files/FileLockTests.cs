using Elivepatch.Model.Files;

namespace Elivepatch.Model.Tests.Files;

public sealed class FileLockTests
{
    [Fact]
    public void A_lock_that_is_held_is_not_there_to_be_taken()
    {
        using var home = new Scratch();
        var path = Path.Combine(home.Folder, "lock");
        using (var held = FileLock.TryTake(path))
        {
            Assert.NotNull(held);
            Assert.Null(FileLock.TryTake(path));
        }

        using var again = FileLock.TryTake(path);
        Assert.NotNull(again);
    }

    [Theory]
    [InlineData("/proc/elivepatch-lock")]
    [InlineData("/nonexistent/lock")]
    [InlineData("/proc/self/status/lock")]
    public void A_lock_that_cannot_be_made_is_no_lock_that_somebody_holds(string path)
    {
        var failure = Record.Exception(() => FileLock.TryTake(path)?.Dispose());
        Assert.True(failure is IOException or UnauthorizedAccessException, failure?.ToString());
    }
}
