using System.Text.RegularExpressions;

namespace Elivepatch.Builder.Sources;

/// <summary>The version under which kernel.org published what a release was made of.</summary>
/// <param name="Text">As in the names of archives and tags: <c>6.1.90</c>, <c>6.1</c>, <c>6.12-rc3</c>.</param>
/// <param name="Major">Its first number.</param>
public sealed partial record KernelVersion(string Text, string Major)
{
    /// <summary>The version in a release, <c>6.1.90</c> of <c>6.1.90-gentoo</c>; null where it does not begin with one.</summary>
    public static KernelVersion? Of(string release)
    {
        if (Pattern().Match(release) is not { Success: true } match)
        {
            return null;
        }
        // The first of a series is X.Y.0 by its release and X.Y by its name.
        var series = $"{match.Groups["major"].Value}.{match.Groups["minor"].Value}";
        var patch = match.Groups["patch"].Value is "" or "0" ? "" : "." + match.Groups["patch"].Value;
        return new(series + patch + match.Groups["candidate"].Value, match.Groups["major"].Value);
    }

    [GeneratedRegex(
        @"^(?<major>[0-9]{1,3})\.(?<minor>[0-9]{1,4})(?:\.(?<patch>[0-9]{1,5}))?(?<candidate>-rc[0-9]{1,2})?(?!\.?[0-9])",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex Pattern();
}
