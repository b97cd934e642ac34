// In: bytes of any size and origin. Out: their digest, by which they are found again. A blob is written beside its place, flushed
// and renamed: it is there whole or not at all, and writing it twice is harmless.

using Elivepatch.Engine;
using Elivepatch.Kernel.Storage;

namespace Elivepatch.Server.State;

/// <summary>Content by its digest, in a folder.</summary>
public sealed class BlobStore
{
    private const int Chunk = 128 << 10;
    private readonly string folder;
    private readonly string incoming;
    private readonly Lock gate = new();

    // How often this process has stored a content: by that, one who stored something unwanted knows that nobody else wants it.
    private readonly Dictionary<string, int> puts = new(StringComparer.Ordinal);

    /// <summary>Opens the store, and makes it where it is not.</summary>
    public BlobStore(string folder)
    {
        this.folder = Directory.CreateDirectory(folder).FullName;
        incoming = Path.Combine(this.folder, "incoming");
        // What was on its way when the server ended is of no use.
        if (Directory.Exists(incoming))
            Directory.Delete(incoming, recursive: true);
        Directory.CreateDirectory(incoming);
    }

    /// <summary>Stores bytes and gives their SHA-256, hexadecimal.</summary>
    public Task<Outcome<string>> PutAsync(byte[] content, CancellationToken cancellation) =>
        PutAsync(new MemoryStream(content, writable: false), long.MaxValue, cancellation);

    /// <summary>Stores what a stream has, up to a number of bytes.</summary>
    public async Task<Outcome<string>> PutAsync(Stream content, long most, CancellationToken cancellation)
    {
        var path = Path.Combine(incoming, Path.GetRandomFileName());
        try
        {
            ContentDigest? copied;
            await using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, Chunk))
            {
                copied = await ContentDigest.OfCopyAsync(content, file, most, cancellation);
                file.Flush(flushToDisk: true);
            }

            if (copied?.Hex is not { } digest)
                return new Problem(ProblemCodes.RequestTooLarge, $"at most {most} bytes are taken");
            var place = PathOf(digest);
            lock (gate)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(place)!);
                File.Move(path, place, overwrite: true);
                puts[digest] = puts.GetValueOrDefault(digest) + 1;
            }

            return digest;
        }
        catch (IOException e) when (IsDiskFull(e))
        {
            return new Problem(ProblemCodes.StateUnusable, e.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Removes what the caller stored and nothing refers to, unless somebody else has stored the same.</summary>
    public void RemoveUnlessPutAgain(string digest)
    {
        lock (gate)
        {
            if (puts.GetValueOrDefault(digest) != 1)
                return;
            puts.Remove(digest);
            File.Delete(PathOf(digest));
        }
    }

    /// <summary>Where the content lies; it may be read and nothing else.</summary>
    public string PathOf(string digest) =>
        digest.Length == 64 && digest.All(char.IsAsciiHexDigitLower)
            ? Path.Combine(folder, digest[..2], digest)
            : throw new ArgumentException("not a digest", nameof(digest));

    /// <summary>Reads small content.</summary>
    public Task<byte[]> ReadAsync(string digest, CancellationToken cancellation) => File.ReadAllBytesAsync(PathOf(digest), cancellation);

    private static bool IsDiskFull(IOException e) => (e.HResult & 0xFFFF) is 28 or 122; // ENOSPC, EDQUOT
}
