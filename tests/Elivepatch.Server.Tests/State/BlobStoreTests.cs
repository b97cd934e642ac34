using System.Security.Cryptography;
using Elivepatch.Server.State.Sqlite;

namespace Elivepatch.Server.Tests.State;

/// <summary>Content by its digest.</summary>
public sealed class BlobStoreTests : IDisposable
{
    private readonly Scratch scratch = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Content_is_found_by_its_digest_also_after_a_restart()
    {
        var content = RandomNumberGenerator.GetBytes(300_000);
        var digest = (await new FolderBlobs(scratch.Folder).PutAsync(content, Cancellation)).Value;
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(content)), digest);
        Assert.Equal(content, await new FolderBlobs(scratch.Folder).ReadAsync(digest, Cancellation));
    }

    [Fact]
    public async Task The_same_content_at_once_is_stored_once_and_whole()
    {
        var store = new FolderBlobs(scratch.Folder);
        var content = RandomNumberGenerator.GetBytes(200_000);
        var digests = await Task.WhenAll(
            Enumerable.Range(0, 30).Select(_ => Task.Run(() => store.PutAsync(content, Cancellation)))
        );
        Assert.Single(digests.Select(d => d.Value).Distinct());
        Assert.Single(Files());
        Assert.Equal(content, await store.ReadAsync(digests[0].Value, Cancellation));
    }

    [Theory]
    [InlineData(1000, true)]
    [InlineData(1001, false)]
    public async Task Content_up_to_the_limit_is_taken_and_nothing_of_what_is_larger_stays(int size, bool isTaken)
    {
        var store = new FolderBlobs(scratch.Folder);
        var stored = await store.PutAsync(new MemoryStream(new byte[size]), 1000, Cancellation);
        Assert.Equal(isTaken, stored.Succeeded);
        if (!isTaken)
        {
            Assert.Equal("ELP1007", Assert.Single(stored.Problems).Code.Id);
        }

        Assert.Equal(isTaken ? 1 : 0, Files().Count);
    }

    [Fact]
    public async Task A_full_disk_is_a_problem_and_nothing_stays()
    {
        var store = new FolderBlobs(scratch.Folder);
        // ENOSPC, as Linux reports it.
        var stored = await store.PutAsync(
            new Failing(new IOException("No space left on device", 28)),
            long.MaxValue,
            Cancellation
        );
        Assert.Equal("ELP1016", Assert.Single(stored.Problems).Code.Id);
        Assert.Empty(Files());
    }

    [Fact]
    public async Task A_sender_that_breaks_off_leaves_nothing()
    {
        var store = new FolderBlobs(scratch.Folder);
        await Assert.ThrowsAsync<IOException>(() =>
            store.PutAsync(new Failing(new IOException("reset")), long.MaxValue, Cancellation)
        );
        Assert.Empty(Files());
    }

    [Fact]
    public void What_was_on_its_way_when_the_server_ended_is_removed()
    {
        _ = new FolderBlobs(scratch.Folder);
        scratch.Write("incoming/half", "half");
        _ = new FolderBlobs(scratch.Folder);
        Assert.Empty(Files());
    }

    [Fact]
    public async Task What_somebody_else_stored_as_well_is_not_removed()
    {
        var store = new FolderBlobs(scratch.Folder);
        var mine = (await store.PutAsync(new byte[] { 1 }, Cancellation)).Value;
        await store.RemoveUnlessPutAgainAsync(mine, Cancellation);
        Assert.Empty(Files());
        var ours = (await store.PutAsync(new byte[] { 2 }, Cancellation)).Value;
        await store.PutAsync(new byte[] { 2 }, Cancellation);
        await store.RemoveUnlessPutAgainAsync(ours, Cancellation);
        Assert.Single(Files());
    }

    [Theory]
    [InlineData("")]
    [InlineData("../../etc/passwd")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/")]
    public Task A_name_that_is_no_digest_is_no_path(string name) =>
        Assert.ThrowsAsync<ArgumentException>(async () => await new FolderBlobs(scratch.Folder).PathAsync(name, Cancellation));

    private List<string> Files() => [.. Directory.EnumerateFiles(scratch.Folder, "*", SearchOption.AllDirectories)];

    // Some bytes, then a failure.
    private sealed class Failing(IOException failure) : MemoryStream(new byte[5000])
    {
        private int reads;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            reads++ == 0 ? base.ReadAsync(buffer[..1000], cancellationToken) : throw failure;
    }
}
