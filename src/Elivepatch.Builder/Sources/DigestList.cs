// In: a file as sha256sum writes it, with or without a signature around it. Out: the digests by file name.

using Elivepatch.Model;

namespace Elivepatch.Builder.Sources;

/// <summary>Digests of the files of a mirror.</summary>
public static class DigestList
{
    private const long Largest = 64 << 20;

    /// <summary>Reads a list.</summary>
    public static Outcome<IReadOnlyDictionary<string, string>> Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > Largest)
            {
                return new Problem(BuilderProblems.ConfigurationInvalid, $"{path} is too large for a list of digests");
            }

            var digests = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var line in File.ReadLines(path))
            {
                if (
                    line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is [{ Length: 64 } digest, var name]
                    && digest.All(char.IsAsciiHexDigit)
                )
                {
                    digests[name.TrimStart('*')] = digest.ToLowerInvariant();
                }
            }

            return digests.Count > 0
                ? digests
                : new Problem(BuilderProblems.ConfigurationInvalid, $"{path} has no line with a SHA-256 and a file name");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Problem(BuilderProblems.ConfigurationInvalid, $"{path}: {e.Message}");
        }
    }
}
