// In: the first line that a compiler prints of itself, as CONFIG_CC_VERSION_TEXT has it. Out: what it says.

using System.Text.RegularExpressions;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>What a compiler's text tells.</summary>
public static partial class CompilerText
{
    /// <summary>
    /// The part of a compiler's text that says which it is, whatever it was called by; null where there is none.
    /// </summary>
    public static string? VersionOf(string text) => text.Split(' ', 2) is [_, var version] ? version : null;

    /// <summary>The major version in such a part; null where it names none.</summary>
    public static string? MajorOf(string version) =>
        MajorPattern().Match(version) is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>The version of the Debian package in such a part; null where it is another's.</summary>
    public static string? DebianVersionOf(string version) =>
        DebianPattern().Match(version) is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>
    /// The prefix of the binutils that go with a compiler, by the name that a build calls it by; null where the name is not
    /// GCC's.
    /// </summary>
    public static string? CrossPrefixOf(string name) =>
        NamePattern().Match(name) is { Success: true } match ? match.Groups["prefix"].Value : null;

    /// <summary>What a compiler says of itself in the output of <c>--version</c>, without its name; empty for nothing.</summary>
    /// <remarks>The kernel's Makefile takes the first line without hash signs (CC_VERSION_TEXT).</remarks>
    public static string ReadVersion(string output)
    {
        var line = output.Split('\n')[0].Replace("#", "", StringComparison.Ordinal);
        return VersionOf(line) ?? "";
    }

    [GeneratedRegex(@"^(?<prefix>(?:[a-z0-9_]+-){2,4})?gcc(?:-[0-9]+(?:\.[0-9]+)*)?$")]
    private static partial Regex NamePattern();

    [GeneratedRegex(@" ([0-9]+)\.[0-9]+\.[0-9]+(?: |$)")]
    private static partial Regex MajorPattern();

    [GeneratedRegex(@"\A\(Debian ([0-9][A-Za-z0-9.+~-]*)\) ")]
    private static partial Regex DebianPattern();
}
