namespace Elivepatch.Kernel.Compile;

/// <summary>
/// A rule for make, as a compiler writes it for <c>-M</c>: <c>TARGET: FILE FILE \</c> and more files on the lines after it.
/// </summary>
internal static class MakeRule
{
    /// <summary>The files that the target depends on, in their order.</summary>
    public static IEnumerable<string> Prerequisites(string rule)
    {
        var colon = rule.IndexOf(": ", StringComparison.Ordinal);
        return colon < 0 ? [] : rule[(colon + 2)..].Split([' ', '\\', '\n'], StringSplitOptions.RemoveEmptyEntries);
    }
}
