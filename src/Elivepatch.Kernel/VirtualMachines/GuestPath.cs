namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Paths that travel between host and guest.</summary>
internal static class GuestPath
{
    private const int LongestPath = 1024;
    private const int LongestName = 255;

    /// <summary>
    /// True for a relative path of plain names that cannot leave the folder that it is put under, on either side.
    /// </summary>
    public static bool IsSafe(string path) =>
        path.Length is > 0 and <= LongestPath
        && path.Split('/')
            .All(name => name.Length is > 0 and <= LongestName && name is not ("." or "..") && !name.Any(char.IsControl));
}
