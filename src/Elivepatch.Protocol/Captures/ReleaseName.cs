namespace Elivepatch.Protocol.Captures;

/// <summary>
/// What a kernel release or the name of a record may look like: it becomes the name of a folder and of packages.
/// </summary>
public static class ReleaseName
{
    // struct new_utsname has 65 bytes; a record's name adds nine.
    private const int Longest = 80;

    /// <summary>True for a plain name.</summary>
    public static bool IsValid(string text) =>
        text.Length is > 0 and <= Longest
        && char.IsAsciiLetterOrDigit(text[0])
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '+' or '_' or '~');
}
