using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Kernel.Tests.Storage;

public sealed class CacheRootTests
{
    private static readonly EntryKind Kind = new("things");
    private static readonly ContentDigest Key = ContentDigest.OfParts("a");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_runs_at_once_share_one_production()
    {
        using var home = new TemporaryCache();
        var made = 0;
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 12)
                .Select(_ =>
                    Task.Run(() =>
                        home.Cache.GetAsync(
                            Kind,
                            Key,
                            async folder =>
                            {
                                Interlocked.Increment(ref made);
                                await Task.Delay(50, Cancellation);
                                await File.WriteAllTextAsync(Path.Combine(folder, "file"), "text", Cancellation);
                                return null;
                            },
                            Cancellation
                        )
                    )
                )
        );
        Assert.Equal(1, made);
        Assert.Single(outcomes.Select(StockKernel.Get).Distinct());
    }

    [Fact]
    public async Task A_production_that_fails_leaves_no_entry()
    {
        using var home = new TemporaryCache();
        var problem = new Problem(ProcessProblems.ToolFailed, "x");
        var outcome = await home.Cache.GetAsync(Kind, Key, _ => Task.FromResult<Problem?>(problem), Cancellation);
        Assert.Equal(problem, outcome.Problems[0]);
        Assert.Null(home.Cache.Find(Kind, Key));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(home.FullPath, "tmp")));
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("changed")]
    [InlineData("removed")]
    [InlineData("manifest removed")]
    public async Task A_damaged_entry_is_made_again(string damage)
    {
        using var home = new TemporaryCache();
        var folder = StockKernel.Get(await home.Cache.GetAsync(Kind, Key, Produce, Cancellation));
        var file = Path.Combine(folder, "file");
        if (damage == "cut")
        {
            await File.WriteAllTextAsync(file, "tex", Cancellation);
        }
        else if (damage == "changed")
        {
            await File.WriteAllTextAsync(file, "TEXT", Cancellation);
        }
        else
        {
            File.Delete(damage == "removed" ? file : Path.Combine(folder, ".elivepatch-manifest"));
        }

        Assert.Null(home.Cache.Find(Kind, Key));
        folder = StockKernel.Get(await home.Cache.GetAsync(Kind, Key, Produce, Cancellation));
        Assert.Equal("text", await File.ReadAllTextAsync(Path.Combine(folder, "file"), Cancellation));

        static Task<Problem?> Produce(string folder)
        {
            File.WriteAllText(Path.Combine(folder, "file"), "text");
            return Task.FromResult<Problem?>(null);
        }
    }

    [Fact]
    public void What_a_killed_run_left_is_removed_and_what_a_living_one_has_is_not()
    {
        using var home = new TemporaryCache();
        using var living = home.Cache.NewWorkspace();
        var dead = Directory.CreateDirectory(Path.Combine(home.FullPath, "tmp", "dead")).FullName;
        _ = StockKernel.Get(CacheRoot.Open(home.FullPath));
        Assert.False(Directory.Exists(dead));
        Assert.True(Directory.Exists(living.FullPath));
    }

    [Fact]
    public void The_environment_says_where_the_cache_is()
    {
        Assert.Equal("/a", CacheRoot.DefaultPath(n => n == "ELIVEPATCH_CACHE" ? "/a" : "/x"));
        Assert.Equal("/b/elivepatch", CacheRoot.DefaultPath(n => n == "XDG_CACHE_HOME" ? "/b" : null));
        Assert.Equal(
            "/home/u/.cache/elivepatch",
            CacheRoot.DefaultPath(n =>
                n switch
                {
                    "HOME" => "/home/u",
                    "XDG_CACHE_HOME" => "relative",
                    _ => null,
                }
            )
        );
    }
}
