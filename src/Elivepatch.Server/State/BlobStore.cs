// In: bytes of any size and origin. Out: their digest, by which they are found again. A blob is written beside its place, flushed
// and renamed: it is there whole or not at all, and writing it twice is harmless.

using Elivepatch.Builder;
using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Protocol;

namespace Elivepatch.Server.State;

/// <summary>Content by its digest.</summary>
public abstract class BlobStore
{
    private const int Chunk = 128 << 10;
    private readonly string incoming;

    /// <summary>Opens the store, and makes its folder where it is not.</summary>
    private protected BlobStore(string folder)
    {
        Folder = Directory.CreateDirectory(folder).FullName;
        incoming = Directory.CreateDirectory(Path.Combine(Folder, "incoming")).FullName;
    }

    /// <summary>The folder with contents in files of this machine.</summary>
    private protected string Folder { get; }

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
            {
                return new Problem(ServiceProblems.RequestTooLarge, $"at most {most} bytes are taken");
            }

            await StoreAsync(digest, path, cancellation);
            return digest;
        }
        catch (IOException e) when (DiskError.IsFull(e))
        {
            return new Problem(BuilderProblems.StateUnusable, e.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>
    /// Has the content in a file of this machine and gives its path; the file may be read and nothing else, and stays for days.
    /// </summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    public abstract ValueTask<string> PathAsync(string digest, CancellationToken cancellation);

    /// <summary>Reads small content.</summary>
    public async Task<byte[]> ReadAsync(string digest, CancellationToken cancellation) =>
        await File.ReadAllBytesAsync(await PathAsync(digest, cancellation), cancellation);

    /// <summary>Removes what the caller stored and nothing refers to, unless somebody else has stored the same.</summary>
    public abstract Task RemoveUnlessPutAgainAsync(string digest, CancellationToken cancellation);

    /// <summary>Removes contents that nothing refers to, unless the store does so by itself; gives how many there were.</summary>
    public abstract Task<int> RemoveUnwantedAsync(Database database, CancellationToken cancellation);

    /// <summary>Adds what has to be done while the server runs.</summary>
    internal abstract void AddUpkeep(IServiceCollection services);

    /// <summary>Keeps a content that was written to a file, which may be moved.</summary>
    private protected abstract Task StoreAsync(string digest, string path, CancellationToken cancellation);

    /// <summary>Removes what was on its way when the server ended: it is of no use.</summary>
    private protected void ClearIncoming()
    {
        Directory.Delete(incoming, recursive: true);
        Directory.CreateDirectory(incoming);
    }

    /// <summary>A path for a content that is on its way.</summary>
    private protected string NewIncoming() => Path.Combine(incoming, Path.GetRandomFileName());

    /// <summary>Writes a file to the disk.</summary>
    private protected static async Task<T> WriteAsync<T>(string path, Func<FileStream, Task<T>> write)
    {
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, Chunk);
        var result = await write(file);
        file.Flush(flushToDisk: true);
        return result;
    }

    /// <summary>Moves a file to where its content is found.</summary>
    private protected void Place(string path, string digest)
    {
        var place = PathOf(digest);
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        File.Move(path, place, overwrite: true);
    }

    /// <summary>Where the content lies, if it is there.</summary>
    private protected string PathOf(string digest) =>
        ContentDigest.IsHex(digest)
            ? Path.Combine(Folder, digest[..2], digest)
            : throw new ArgumentException("not a digest", nameof(digest));
}
