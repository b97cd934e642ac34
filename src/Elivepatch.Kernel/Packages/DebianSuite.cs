// In: the name of a suite. Out: what it is made of. A codename stands for the release as an administrator has it: with its
// updates and security fixes; a name ending in -backports has the backports as well.

using System.Text.RegularExpressions;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Packages;

/// <summary>A suite of the Debian archive, such as <c>trixie</c> or <c>trixie-backports</c>.</summary>
public sealed partial record DebianSuite
{
    private const string Backports = "-backports";

    /// <summary>Debian's unstable distribution, which has neither updates nor security fixes of its own.</summary>
    private const string Unstable = "sid";

    // Debian's releases from the first whose kernels can be live patched here; the newest kernels call themselves by the release
    // that they are made for (6.12.117+deb13-amd64), be they built for it or for its backports.
    private static readonly (int Number, string Codename)[] releases = [(12, "bookworm"), (13, "trixie"), (14, "forky")];

    private DebianSuite(string name) => Name = name;

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The suites in which a compiler or kernel of any Debian release may be, the oldest first.</summary>
    public static IReadOnlyList<DebianSuite> Known { get; } =
    [.. releases.Select(r => r.Codename).Append(Unstable).Select(n => new DebianSuite(n))];

    /// <summary>Reads a name.</summary>
    public static Outcome<DebianSuite> Parse(string name) =>
        NamePattern().IsMatch(name)
            ? new DebianSuite(name)
            : new Problem(
                RecordProblems.SuiteUnknown,
                $"\"{name}\" is not the name of a suite, such as {releases[^2].Codename}, {releases[^2].Codename}{Backports} or {Unstable}"
            );

    /// <summary>
    /// The suites that may have a kernel of a release, by the Debian release in its name; none where it names none.
    /// </summary>
    public static IReadOnlyList<DebianSuite> OfKernel(string release)
    {
        var number = NumberPattern().Match(release) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan) : 0;
        var codename = releases.FirstOrDefault(r => r.Number == number).Codename;
        if (codename is null)
        {
            return [];
        }

        // What becomes the next release is built in unstable.
        return number == releases[^1].Number ? [new(Unstable), new(codename)] : [new(codename), new(codename + Backports)];
    }

    /// <summary>The suite without backports.</summary>
    public string Codename => Name.EndsWith(Backports, StringComparison.Ordinal) ? Name[..^Backports.Length] : Name;

    /// <summary>Lines for apt's list of sources.</summary>
    /// <param name="mirror">Where the archive is.</param>
    /// <param name="securityMirror">Where its security fixes are.</param>
    /// <param name="keyring">The keys that sign it.</param>
    public IReadOnlyList<string> SourceLines(string mirror, string securityMirror, string keyring)
    {
        var lines = new List<string> { Line(mirror, Codename) };
        if (Codename != Unstable)
        {
            lines.Add(Line(mirror, $"{Codename}-updates"));
            lines.Add(Line(securityMirror, $"{Codename}-security"));
        }

        if (Name != Codename)
        {
            lines.Add(Line(mirror, Name));
        }

        return lines;

        string Line(string archive, string suite) => $"deb [signed-by={keyring}] {archive} {suite} main";
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    [GeneratedRegex(@"\A[a-z]{2,20}(?:-backports)?\z")]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"\+deb([0-9]{1,3})(?:-|\z)")]
    private static partial Regex NumberPattern();
}
