// In: bytes of any size and origin. Out: their digest, by which they are found again. A blob is written beside its place, flushed
// and renamed: it is there whole or not at all, and writing it twice is harmless. Where several servers share a database the database
// has the content, and the folder keeps what this server has used of it: it can be emptied at any time.

using System.Collections.Concurrent;
using Elivepatch.Builder;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Protocol;

namespace Elivepatch.Server.State;

/// <summary>Content by its digest.</summary>
public sealed class BlobStore
{
    private const int Chunk = 128 << 10;

    // No request takes longer from the first byte of a content to the row that refers to it. By a clock that nobody sets.
    private static readonly TimeSpan longestUse = TimeSpan.FromHours(2);

    // Where the folder is not the store, the clock of a file says when it was last used, to this precision.
    private static readonly TimeSpan usePrecision = TimeSpan.FromHours(1);
    private readonly string folder;
    private readonly string incoming;
    private readonly BlobTable? shared;
    private readonly Lock gate = new();

    // How often this process has stored a content, and when last: by that, one who stored something unwanted knows that nobody else
    // wants it, and what somebody is about to refer to stays.
    private readonly Dictionary<string, (int Count, long At)> puts = new(StringComparer.Ordinal);

    // What is being fetched: whoever wants the same waits for it.
    private readonly ConcurrentDictionary<string, Lazy<Task>> fetching = new(StringComparer.Ordinal);

    /// <summary>Opens the store, and makes it where it is not.</summary>
    public BlobStore(string folder)
        : this(folder, null)
    {
        // What was on its way when the server ended is of no use.
        Directory.Delete(incoming, recursive: true);
        Directory.CreateDirectory(incoming);
    }

    private BlobStore(string folder, BlobTable? shared)
    {
        this.shared = shared;
        this.folder = Directory.CreateDirectory(folder).FullName;
        incoming = Directory.CreateDirectory(Path.Combine(this.folder, "incoming")).FullName;
    }

    /// <summary>Opens the store of a server: the database where that is shared, else a folder of the state.</summary>
    /// <param name="database">The state.</param>
    /// <param name="kept">The folder that keeps the content where the database does not.</param>
    /// <param name="cached">The folder for what is fetched from the database.</param>
    /// <param name="clock">The time.</param>
    public static BlobStore Open(Database database, string kept, string cached, TimeProvider clock) =>
        database.Postgres is { } postgres ? new(cached, new BlobTable(postgres, clock)) : new(kept);

    /// <summary>Opens the store of a server that may be running: what is on its way there is left alone.</summary>
    /// <inheritdoc cref="Open"/>
    public static BlobStore OpenBeside(Database database, string kept, string cached, TimeProvider clock) =>
        database.Postgres is { } postgres ? new(cached, new BlobTable(postgres, clock)) : new(kept, null);

    /// <summary>Stores bytes and gives their SHA-256, hexadecimal.</summary>
    public Task<Outcome<string>> PutAsync(byte[] content, CancellationToken cancellation) =>
        PutAsync(new MemoryStream(content, writable: false), long.MaxValue, cancellation);

    /// <summary>Stores what a stream has, up to a number of bytes.</summary>
    public async Task<Outcome<string>> PutAsync(Stream content, long most, CancellationToken cancellation)
    {
        var path = NewIncoming();
        try
        {
            var copied = await WriteAsync(path, file => ContentDigest.OfCopyAsync(content, file, most, cancellation));
            if (copied?.Hex is not { } digest)
                return new Problem(ServiceProblems.RequestTooLarge, $"at most {most} bytes are taken");
            if (shared is not null)
                await shared.PutAsync(digest, path, cancellation);
            lock (gate)
            {
                Place(path, digest);
                if (shared is null)
                    puts[digest] = (puts.GetValueOrDefault(digest).Count + 1, Environment.TickCount64);
            }

            return digest;
        }
        catch (IOException e) when (IsDiskFull(e))
        {
            return new Problem(BuilderProblems.StateUnusable, e.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Removes what the caller stored and nothing refers to, unless somebody else has stored the same.</summary>
    public async Task RemoveUnlessPutAgainAsync(string digest, CancellationToken cancellation)
    {
        if (shared is not null)
        {
            // What the folder has of it is removed with the rest that nobody uses.
            await shared.RemoveUnlessPutAgainAsync(digest, cancellation);
            return;
        }

        lock (gate)
        {
            if (puts.GetValueOrDefault(digest).Count != 1)
                return;
            puts.Remove(digest);
            File.Delete(PathOf(digest));
        }
    }

    /// <summary>The contents of the folder that nobody has stored lately: who wanted to refer to one of them has done so.</summary>
    public IReadOnlyList<string> Settled()
    {
        if (shared is not null)
            return [];
        lock (gate)
        {
            foreach (var (digest, _) in puts.Where(p => !IsLate(p.Value.At)).ToList())
                puts.Remove(digest);
            return
            [
                .. Directory.EnumerateDirectories(folder, "??").SelectMany(Directory.EnumerateFiles).Select(p => Path.GetFileName(p))
                    .Where(d => ContentDigest.IsHex(d) && !puts.ContainsKey(d)),
            ];
        }
    }

    /// <summary>Removes a content from the folder that nothing refers to; false where somebody has stored it lately.</summary>
    public bool Remove(string digest)
    {
        lock (gate)
        {
            if (shared is not null || puts.ContainsKey(digest))
                return false;
            File.Delete(PathOf(digest));
            return true;
        }
    }

    /// <summary>
    /// Has the content in a file of this machine and gives its path; the file may be read and nothing else, and stays for days.
    /// </summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    public async ValueTask<string> PathAsync(string digest, CancellationToken cancellation)
    {
        var path = PathOf(digest);
        if (shared is null)
            return path;
        if (!IsHere(path))
        {
            // Who goes away does not take it from the others who wait.
            await fetching.GetOrAdd(digest, d => new(() => FetchAsync(d))).Value.WaitAsync(cancellation);
        }

        return path;
    }

    /// <summary>Reads small content.</summary>
    public async Task<byte[]> ReadAsync(string digest, CancellationToken cancellation) =>
        await File.ReadAllBytesAsync(await PathAsync(digest, cancellation), cancellation);

    /// <summary>
    /// Where the database is shared, removes what nothing refers to, and what this machine has not used: both since a time. Gives how
    /// many contents and how many files that were.
    /// </summary>
    public async Task<(int Contents, int Files)> SweepAsync(
        DateTimeOffset unwantedSince, DateTimeOffset unusedSince, CancellationToken cancellation)
    {
        if (shared is null)
            return default;
        var files = 0;
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            if (file.LastWriteTimeUtc >= unusedSince.UtcDateTime)
                continue;
            file.Delete();
            files++;
        }

        return (await shared.SweepAsync(unwantedSince, cancellation), files);
    }

    private async Task FetchAsync(string digest)
    {
        var path = NewIncoming();
        try
        {
            var isThere = false;
            await WriteAsync(path, async file => isThere = await shared!.GetAsync(digest, file, CancellationToken.None));
            if (!isThere)
                throw new FileNotFoundException($"the content {digest} is not in the database");
            if ((await ContentDigest.OfFileAsync(path, CancellationToken.None)).Hex != digest)
                throw new IOException($"the content {digest} is damaged in the database");
            Place(path, digest);
        }
        finally
        {
            File.Delete(path);
            fetching.TryRemove(digest, out _);
        }
    }

    private static async Task<T> WriteAsync<T>(string path, Func<FileStream, Task<T>> write)
    {
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, Chunk);
        var result = await write(file);
        file.Flush(flushToDisk: true);
        return result;
    }

    private void Place(string path, string digest)
    {
        var place = PathOf(digest);
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        File.Move(path, place, overwrite: true);
    }

    // Says by the way that it is used.
    private static bool IsHere(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
            return false;
        var now = DateTime.UtcNow;
        if (now - file.LastWriteTimeUtc > usePrecision)
            file.LastWriteTimeUtc = now;
        return true;
    }

    private string NewIncoming() => Path.Combine(incoming, Path.GetRandomFileName());

    private static bool IsLate(long at) => Environment.TickCount64 - at < longestUse.TotalMilliseconds;

    private string PathOf(string digest) =>
        ContentDigest.IsHex(digest)
            ? Path.Combine(folder, digest[..2], digest)
            : throw new ArgumentException("not a digest", nameof(digest));

    private static bool IsDiskFull(IOException e) => (e.HResult & 0xFFFF) is 28 or 122; // ENOSPC, EDQUOT
}
