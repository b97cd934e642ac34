using System.Security.Cryptography;

namespace Elivepatch.Server.Work;

/// <summary>Ids of those who run builds.</summary>
internal static class WorkerId
{
    /// <summary>An id that nobody else has, 32 hexadecimal digits: another one at each start.</summary>
    public static string New() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}
