using System.Globalization;
using System.Text.RegularExpressions;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>Versions of binutils.</summary>
internal static partial class BinutilsVersion
{
    /// <summary>
    /// The number that kbuild makes of what an assembler or linker prints of itself, 24400 for 2.44 and 24750 for
    /// 2.47.50.20261021; 0 for none.
    /// </summary>
    /// <remarks>scripts/as-version.sh and scripts/ld-version.sh</remarks>
    public static int Read(string output) =>
        VersionPattern().Match(output.Split('\n')[0]) is { Success: true } match
            ? (Part(match, 1) * 10_000) + (Part(match, 2) * 100) + Part(match, 3)
            : 0;

    private static int Part(Match match, int group) =>
        match.Groups[group] is { Success: true } part ? int.Parse(part.ValueSpan, CultureInfo.InvariantCulture) : 0;

    // The last word of the line: GNU assembler (GNU Binutils for Debian) 2.44
    [GeneratedRegex(@"\AGNU .* ([0-9]{1,2})\.([0-9]{1,2})(?:\.([0-9]{1,2}))?(?:[.-]\S*)?\s*\z")]
    private static partial Regex VersionPattern();
}
