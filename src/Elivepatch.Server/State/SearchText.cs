namespace Elivepatch.Server.State;

/// <summary>
/// Text that rows are found by. SQLite and PostgreSQL differ in what LIKE takes for equal; lower case is the same in both.
/// </summary>
internal static class SearchText
{
    /// <summary>Most characters that are searched for.</summary>
    public const int Longest = 200;

    /// <summary>
    /// Why nothing can be searched for by this text, or null. U+0000 ends a pattern in one database and is an error in the other.
    /// </summary>
    public static string? FindProblem(string text) =>
        text.Length > Longest ? $"a search has at most {Longest} characters"
        : text.Contains('\0', StringComparison.Ordinal) ? "a search has no character U+0000"
        : null;

    /// <summary>What a row is found by.</summary>
    public static string Words(params IEnumerable<string> words) => string.Join('\n', words).ToLowerInvariant();

    /// <summary>The pattern of rows that contain a text; the escape character is <c>!</c>.</summary>
    public static string Pattern(string text) =>
        $"%{text.ToLowerInvariant().Replace("!", "!!", StringComparison.Ordinal).Replace("%", "!%", StringComparison.Ordinal)
            .Replace("_", "!_", StringComparison.Ordinal)}%";
}
