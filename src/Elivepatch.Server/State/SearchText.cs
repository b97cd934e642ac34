namespace Elivepatch.Server.State;

/// <summary>Text that rows are found by. SQLite and PostgreSQL differ in what LIKE takes for equal; lower case is the same in both.</summary>
internal static class SearchText
{
    /// <summary>What a row is found by.</summary>
    public static string Words(params IEnumerable<string> words) => string.Join('\n', words).ToLowerInvariant();

    /// <summary>The pattern of rows that contain a text; the escape character is <c>!</c>.</summary>
    public static string Pattern(string text) =>
        $"%{text.ToLowerInvariant().Replace("!", "!!", StringComparison.Ordinal).Replace("%", "!%", StringComparison.Ordinal)
            .Replace("_", "!_", StringComparison.Ordinal)}%";
}
