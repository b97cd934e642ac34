namespace Elivepatch.Tests;

/// <summary>
/// The stock kernels that tests are for, by their releases: what is expected of a patch is expected of this source. <c>./test
/// --newest</c> takes the newest that are offered instead, which shows what a point release changes, and before these are offered
/// no longer which ones to write here next.
/// </summary>
internal static class TestKernels
{
    /// <summary>True where the newest are asked for.</summary>
    public static bool AreNewest { get; } = Environment.GetEnvironmentVariable("ELIVEPATCH_NEWEST") is { Length: > 0 };

    /// <summary>The kernel that the cases are for.</summary>
    public static string Stock { get; } = AreNewest ? "newest-cloud" : "6.12.117+deb12-cloud-amd64";

    /// <summary>One of an older series.</summary>
    public static string Older { get; } = AreNewest ? "newest-cloud-6.1" : "6.1.0-57-cloud-amd64";
}
