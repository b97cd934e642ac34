using System.Security.Cryptography;

namespace Elivepatch.Builder.Workers;

/// <summary>Ids of those who run builds.</summary>
public static class WorkerId
{
    private const int Bytes = 16;

    /// <summary>An id that nobody else has, 32 hexadecimal digits: another one at each start.</summary>
    public static string New() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>True for what may be such an id.</summary>
    public static bool IsValid(string text) => text.Length == 2 * Bytes && text.All(char.IsAsciiHexDigitLower);
}
