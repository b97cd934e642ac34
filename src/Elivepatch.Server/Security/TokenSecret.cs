using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Elivepatch.Server.Security;

/// <summary>
/// The secret of a token: 256 random bits. A secret that cannot be guessed needs no slow digest, and its beginning lets whoever
/// scans for leaked secrets recognise it.
/// </summary>
internal static class TokenSecret
{
    /// <summary>What every secret begins with.</summary>
    public const string Prefix = "elp_";

    private const int Bytes = 32;
    private static readonly int length = Prefix.Length + Base64Url.GetEncodedLength(Bytes);

    /// <summary>A new secret.</summary>
    public static string Create() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>True for what can be a secret at all.</summary>
    public static bool IsWellFormed(string text) =>
        text.Length == length
        && text.StartsWith(Prefix, StringComparison.Ordinal)
        && text.AsSpan(Prefix.Length).IndexOfAnyExcept(base64Url) < 0;

    /// <summary>What is kept of a secret: its SHA-256, hexadecimal.</summary>
    public static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    private static readonly System.Buffers.SearchValues<char> base64Url = System.Buffers.SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    );
}
