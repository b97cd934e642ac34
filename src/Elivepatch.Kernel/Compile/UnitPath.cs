namespace Elivepatch.Kernel.Compile;

/// <summary>
/// What the path of a file in a source tree may look like: it becomes a word of make's command line and a mount.
/// </summary>
public static class UnitPath
{
    private const int Longest = 255;

    /// <summary>True for a relative path of plain names that does not climb.</summary>
    public static bool IsValid(string path) =>
        path.Length is > 0 and <= Longest
        && path.Split('/').All(IsName)
        && path.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or '+' or ',');

    // A leading hyphen would be an option.
    private static bool IsName(string name) => name is not ("" or "." or "..") && name[0] != '-';
}
