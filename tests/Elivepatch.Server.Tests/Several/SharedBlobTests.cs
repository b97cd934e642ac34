using System.Security.Cryptography;
using Dapper;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Postgres;

namespace Elivepatch.Server.Tests.Several;

/// <summary>Content that several servers share: each has a folder of its own, and the database has it all.</summary>
public sealed class SharedBlobTests(SharedPostgres postgres) : IAsyncLifetime
{
    private readonly Scratch scratch = new();
    private PostgresDatabase database = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        database = (PostgresDatabase)(await PostgresDatabase.OpenAsync(await postgres.NewAsync(), Cancellation)).Value;

    public async ValueTask DisposeAsync()
    {
        await database.DisposeAsync();
        scratch.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData((1 << 20) - 1)]
    [InlineData(1 << 20)]
    [InlineData((1 << 20) + 1)]
    [InlineData(5_000_000)]
    public async Task What_one_server_stored_another_has_byte_for_byte(int size)
    {
        var content = RandomNumberGenerator.GetBytes(size);
        var digest = (await Store("one").PutAsync(content, Cancellation)).Value;
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(content)), digest);
        Assert.Equal(content, await Store("two").ReadAsync(digest, Cancellation));
        Assert.Equal((size + (1 << 20) - 1) / (1 << 20), await CountAsync("blob_chunks"));
    }

    [Fact]
    public async Task The_same_content_from_many_servers_at_once_is_stored_once()
    {
        var content = RandomNumberGenerator.GetBytes(2_500_000);
        var digests = await Task.WhenAll(
            Enumerable.Range(0, 12).Select(i => Task.Run(() => Store($"{i % 3}").PutAsync(content, Cancellation)))
        );
        Assert.Single(digests.Select(d => d.Value).Distinct());
        Assert.Equal((1, 3), (await CountAsync("blobs"), await CountAsync("blob_chunks")));
        Assert.Equal(content, await Store("other").ReadAsync(digests[0].Value, Cancellation));
    }

    [Fact]
    public async Task Many_who_want_the_same_at_once_get_it_whole()
    {
        var content = RandomNumberGenerator.GetBytes(3_000_000);
        var digest = (await Store("one").PutAsync(content, Cancellation)).Value;
        var two = Store("two");
        var all = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => two.ReadAsync(digest, Cancellation))));
        Assert.All(all, a => Assert.Equal(content, a));
        Assert.Single(Files("two"));
    }

    [Fact]
    public async Task A_sender_that_breaks_off_leaves_nothing()
    {
        var store = Store("one");
        await Assert.ThrowsAsync<IOException>(() => store.PutAsync(new Broken(3_000_000), long.MaxValue, Cancellation));
        var large = await store.PutAsync(new MemoryStream(new byte[1001]), 1000, Cancellation);
        Assert.Equal("ELP1007", Assert.Single(large.Problems).Code.Id);
        Assert.Equal((0, 0), (await CountAsync("blobs"), await CountAsync("blob_chunks")));
        Assert.Empty(Files("one"));
    }

    [Fact]
    public async Task An_upload_that_ends_in_the_middle_of_its_rows_leaves_nothing_and_can_be_repeated()
    {
        // As if the server died between two chunks.
        var content = new byte[3 << 20];
        await using (var connection = database.Source.CreateConnection())
        {
            await connection.OpenAsync(Cancellation);
            await using var transaction = await connection.BeginTransactionAsync(Cancellation);
            var digest = Convert.ToHexStringLower(SHA256.HashData(content));
            await connection.ExecuteAsync("INSERT INTO blobs VALUES (@digest, 3145728, 1, 0)", new { digest }, transaction);
            await connection.ExecuteAsync(
                "INSERT INTO blob_chunks VALUES (@digest, 0, @content)",
                new { digest, content = content[..(1 << 20)] },
                transaction
            );
        }

        Assert.Equal((0, 0), (await CountAsync("blobs"), await CountAsync("blob_chunks")));
        var stored = (await Store("one").PutAsync(content, Cancellation)).Value;
        Assert.Equal(content, await Store("two").ReadAsync(stored, Cancellation));
    }

    [Fact]
    public async Task What_is_not_there_or_damaged_is_no_content()
    {
        var digest = (await Store("one").PutAsync(new byte[] { 1, 2, 3 }, Cancellation)).Value;
        await database.ChangeAsync(
            t => t.Connection!.ExecuteAsync("UPDATE blob_chunks SET content = 'abd'", transaction: t),
            Cancellation
        );
        var two = Store("two");
        Assert.Contains(
            "damaged",
            (await Assert.ThrowsAsync<IOException>(() => two.ReadAsync(digest, Cancellation))).Message,
            StringComparison.Ordinal
        );
        await Assert.ThrowsAsync<FileNotFoundException>(() => two.ReadAsync(new('a', 64), Cancellation));
        Assert.Empty(Files("two"));
        // Who has it already has it still, and what is whole again is found.
        Assert.Equal([1, 2, 3], await Store("one").ReadAsync(digest, Cancellation));
        await database.ChangeAsync(
            t => t.Connection!.ExecuteAsync("UPDATE blob_chunks SET content = '\\x010203'", transaction: t),
            Cancellation
        );
        Assert.Equal([1, 2, 3], await two.ReadAsync(digest, Cancellation));
    }

    [Fact]
    public async Task What_another_server_stored_as_well_is_not_removed()
    {
        var (one, two) = (Store("one"), Store("two"));
        var mine = (await one.PutAsync(new byte[] { 1 }, Cancellation)).Value;
        await one.RemoveUnlessPutAgainAsync(mine, Cancellation);
        Assert.Equal(0, await CountAsync("blobs"));
        var ours = (await one.PutAsync(new byte[] { 2 }, Cancellation)).Value;
        await two.PutAsync(new byte[] { 2 }, Cancellation);
        await one.RemoveUnlessPutAgainAsync(ours, Cancellation);
        Assert.Equal((1, 1), (await CountAsync("blobs"), await CountAsync("blob_chunks")));
    }

    [Fact]
    public async Task What_nothing_refers_to_is_swept_after_a_while_and_what_is_in_use_stays()
    {
        var store = Store("one");
        var used = (await store.PutAsync(new byte[] { 1 }, Cancellation)).Value;
        var unused = (await store.PutAsync(new byte[] { 2 }, Cancellation)).Value;
        await new KernelTable(database).AddAsync(
            new("kernel", "r", "00", "x86_64", "gcc", used, null, null, DateTimeOffset.UtcNow, "x"),
            Cancellation
        );
        var now = DateTimeOffset.UtcNow;
        Assert.Equal((0, 0), await store.SweepAsync(now.AddDays(-1), now.AddDays(-7), Cancellation));
        File.SetLastWriteTimeUtc(
            Files("one").Single(f => f.EndsWith(used, StringComparison.Ordinal)),
            DateTime.UtcNow.AddDays(-8)
        );
        Assert.Equal((1, 1), await store.SweepAsync(now.AddDays(1), now.AddDays(-7), Cancellation));
        Assert.Equal([1], await store.ReadAsync(used, Cancellation));
        await Assert.ThrowsAsync<FileNotFoundException>(() => Store("two").ReadAsync(unused, Cancellation));
    }

    private PostgresBlobs Store(string server) =>
        (PostgresBlobs)database.OpenBlobs(scratch.PathOf("unused"), scratch.PathOf(server), TimeProvider.System);

    private List<string> Files(string server) =>
        [.. Directory.EnumerateFiles(scratch.PathOf(server), "*", SearchOption.AllDirectories)];

    private async Task<int> CountAsync(string table) =>
        (int)await database.ReadAsync(c => c.ExecuteScalarAsync<long>($"SELECT COUNT(*) FROM {table}"), Cancellation);

    // Bytes, then a failure.
    private sealed class Broken(int size) : MemoryStream(new byte[size])
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await base.ReadAsync(buffer, cancellationToken) is var count and > 0 ? count : throw new IOException("reset");
    }
}
