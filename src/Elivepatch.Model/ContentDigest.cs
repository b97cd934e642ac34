using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Elivepatch.Model;

/// <summary>A SHA-256 over named parts: the name of whatever those parts determine.</summary>
/// <param name="Hex">64 lower-case hexadecimal digits.</param>
public readonly record struct ContentDigest(string Hex)
{
    private const int Digits = 64;
    private const int CopyChunk = 128 << 10;

    /// <summary>True for the text of a digest: 64 lower-case hexadecimal digits and nothing else.</summary>
    public static bool IsHex([NotNullWhen(true)] string? text) =>
        text is { Length: Digits } && text.All(char.IsAsciiHexDigitLower);

    /// <summary>Digest of some bytes.</summary>
    public static ContentDigest Of(ReadOnlySpan<byte> bytes) => new(Convert.ToHexStringLower(SHA256.HashData(bytes)));

    /// <summary>Digest of a file.</summary>
    public static async Task<ContentDigest> OfFileAsync(string path, CancellationToken cancellation)
    {
        await using var stream = new FileStream(
            path,
            FileMode.Open,
            FileAccess.Read,
            FileShare.Read,
            1 << 20,
            FileOptions.SequentialScan
        );
        return new(Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellation)));
    }

    /// <summary>Copies a stream of unknown length, and gives its digest; null where it has more bytes than it may.</summary>
    public static async Task<ContentDigest?> OfCopyAsync(Stream from, Stream to, long most, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[CopyChunk];
        long total = 0;
        while (await from.ReadAsync(buffer, cancellation) is var count and > 0)
        {
            total += count;
            if (total > most)
            {
                return null;
            }

            hash.AppendData(buffer.AsSpan(0, count));
            await to.WriteAsync(buffer.AsMemory(0, count), cancellation);
        }

        return new(Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>Digest of several texts in order; each is preceded by its length, so no two lists run together.</summary>
    public static ContentDigest OfParts(params IEnumerable<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[8];
        foreach (var part in parts)
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            BinaryPrimitives.WriteInt64LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }
        return new(Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <inheritdoc/>
    public override string ToString() => Hex;
}
