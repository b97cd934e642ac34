// In: a signing key. Out: a file of it that its owner alone can read, there whole or not at all; and the other way round.

using System.Globalization;
using System.Security.Cryptography;
using Elivepatch.Model;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Server.Signing;

/// <summary>Files of keys: PKCS#8 in PEM, below a line that says when the key was made.</summary>
internal static class KeyFile
{
    private const int Largest = 16 << 10;
    private const string CreatedLine = "Created: ";
    private const UnixFileMode Others =
        UnixFileMode.GroupRead
        | UnixFileMode.GroupWrite
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherWrite
        | UnixFileMode.OtherExecute;

    /// <summary>Reads a key and when it was made.</summary>
    public static Outcome<(SigningKey Key, DateTimeOffset Created)> Read(string path)
    {
        try
        {
            if ((File.GetUnixFileMode(path) & Others) != 0)
            {
                return Unusable(path, "others may read or write it");
            }

            if (new FileInfo(path).Length > Largest)
            {
                return Unusable(path, "it is too large for a key");
            }

            var text = File.ReadAllText(path);
            var first = text.Split('\n')[0];
            if (
                !first.StartsWith(CreatedLine, StringComparison.Ordinal)
                || !DateTimeOffset.TryParse(
                    first[CreatedLine.Length..],
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.RoundtripKind,
                    out var created
                )
            )
            {
                return Unusable(path, "its first line does not say when it was made");
            }

            var key = SigningKey.Import(text);
            // A damaged number may still be one: what the key signs, it has to verify.
            if (key.Public.HasSigned(key.Sign("text/plain", [1])))
            {
                return (key, created);
            }

            key.Dispose();
            return Unusable(path, "its parts contradict each other");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            return Unusable(path, e.Message);
        }
    }

    /// <summary>Writes a key.</summary>
    public static void Write(string path, SigningKey key, DateTimeOffset created) =>
        WriteWhole(path, string.Create(CultureInfo.InvariantCulture, $"{CreatedLine}{created.UtcDateTime:O}\n{key.ExportPem()}"));

    /// <summary>Writes a file of the owner's own beside its place and renames it.</summary>
    public static void WriteWhole(string path, string text)
    {
        var beside = path + ".new";
        File.Delete(beside);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var stream = new FileStream(beside, options))
        {
            stream.Write(System.Text.Encoding.UTF8.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }

        File.Move(beside, path, overwrite: true);
    }

    /// <summary>The problem of a file that cannot be used.</summary>
    public static Problem Unusable(string path, string reason) => new(ServerProblems.KeyRingUnusable, $"{path}: {reason}");
}
