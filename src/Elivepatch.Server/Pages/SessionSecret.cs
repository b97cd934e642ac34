using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Elivepatch.Server.Pages;

/// <summary>
/// The secret in the cookie of somebody who signed in: 256 random bits, of which the server keeps the digest alone. Each form of
/// the session carries a word made of it, which no other site can know.
/// </summary>
internal static class SessionSecret
{
    /// <summary>How long a session lasts.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(12);

    private const int Bytes = 32;
    private static readonly int length = Base64Url.GetEncodedLength(Bytes);

    /// <summary>A new secret.</summary>
    public static string Create() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>True for what can be a secret at all.</summary>
    public static bool IsWellFormed(string? text) => text?.Length == length && Base64Url.IsValid(text);

    /// <summary>What is kept of a secret: its SHA-256, hexadecimal.</summary>
    public static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(secret)));

    /// <summary>The word that the session's forms carry.</summary>
    public static string AntiForgeryValue(string secret) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.ASCII.GetBytes(secret), "elivepatchd form"u8));

    /// <summary>True where a form carries the word of this secret.</summary>
    public static bool IsAntiForgeryValue(string secret, string? word) =>
        CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(AntiForgeryValue(secret)),
            Encoding.UTF8.GetBytes(word ?? "")
        );
}
