namespace Elivepatch.Builder.Sources;

/// <summary>What stands in a configured location for the kernel's own values.</summary>
internal static class Placeholders
{
    private const string Release = "{release}";
    private const string Version = "{version}";
    private const string Major = "{major}";

    /// <summary>True where the location depends on the version.</summary>
    public static bool NeedVersion(string location) =>
        location.Contains(Version, StringComparison.Ordinal) || location.Contains(Major, StringComparison.Ordinal);

    /// <summary>
    /// Puts the values in. A release that could lead to another folder has never become one (it holds no slash).
    /// </summary>
    public static string Fill(string location, string release, KernelVersion? version)
    {
        if (
            release.Contains('/', StringComparison.Ordinal)
            || release.StartsWith('.')
            || release.Contains('\0', StringComparison.Ordinal)
        )
        {
            throw new ArgumentException("not a release", nameof(release));
        }

        return location
            .Replace(Release, release, StringComparison.Ordinal)
            .Replace(Version, version?.Text ?? "", StringComparison.Ordinal)
            .Replace(Major, version?.Major ?? "", StringComparison.Ordinal);
    }
}
