// In: what somebody writes behind "debian:". Out: which stock kernel is meant, and in which suite it is looked for.

using System.Text.RegularExpressions;
using Elivepatch.Kernel.Packages;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Import;

/// <summary>
/// The name of a stock Debian kernel: a release, or <c>newest</c> with a flavour and a series where wanted (<c>newest-cloud</c>,
/// <c>newest-rt-6.12</c>); before it the suite where wanted, as in <c>trixie-backports/newest-cloud</c>.
/// </summary>
/// <param name="Suite">The suite; null where none is named.</param>
/// <param name="Release">The release; null for the newest.</param>
/// <param name="Flavour">For the newest: the flavour, empty for the kernel that Debian installs by itself.</param>
/// <param name="Series">For the newest: the series, as in <c>6.1</c>; empty for any.</param>
public sealed partial record DebianKernelName(DebianSuite? Suite, string? Release, string Flavour, string Series)
{
    /// <summary>What stands before it where a kernel is named.</summary>
    public const string Scheme = "debian:";

    /// <summary>The name for the newest cloud kernel.</summary>
    public const string NewestCloud = "newest-cloud";

    /// <summary>Reads a name; <see cref="Scheme"/> before it is passed over.</summary>
    public static Outcome<DebianKernelName> Parse(string name)
    {
        name = name.StartsWith(Scheme, StringComparison.Ordinal) ? name[Scheme.Length..] : name;
        if (name.IndexOf('/', StringComparison.Ordinal) is var slash && slash >= 0)
        {
            var suite = DebianSuite.Parse(name[..slash]);
            return suite.Then(s => Parse(s, name[(slash + 1)..]));
        }

        return Parse(null, name);
    }

    private static Outcome<DebianKernelName> Parse(DebianSuite? suite, string name) =>
        NewestPattern().Match(name) is { Success: true } newest
            ? new DebianKernelName(suite, null, newest.Groups["flavour"].Value, newest.Groups["series"].Value)
        : name.Length == 0 || name.Contains('/', StringComparison.Ordinal)
            ? new Problem(RecordProblems.KernelNameInvalid, $"\"{name}\" is not a kernel release")
        : new DebianKernelName(suite, name, "", "");

    [GeneratedRegex(@"\Anewest(?:-(?<flavour>[a-z]+))?(?:-(?<series>[0-9]+\.[0-9]+))?\z")]
    private static partial Regex NewestPattern();
}
