// In: the text of a compiler. Out: the name by which builds are routed to workers that have this very compiler: another one, even
// a packaging revision apart, may inline another function, so all of the text counts.

using System.Text;
using System.Text.RegularExpressions;
using Elivepatch.Kernel.Toolchains;
using Elivepatch.Model;

namespace Elivepatch.Builder.Workers;

/// <summary>Names what a worker can build for.</summary>
public static partial class Capability
{
    private const int DigestDigits = 8;

    /// <summary>The capability that a kernel asks for: <c>x86_64.gcc-12.1f2e3d4c</c>.</summary>
    /// <param name="machine">The processor, as <c>uname -m</c> prints it.</param>
    /// <param name="compiler">First line of the compiler's <c>--version</c>, as in <c>CONFIG_CC_VERSION_TEXT</c>.</param>
    public static string Of(string machine, string compiler)
    {
        var version = CompilerText.VersionOf(compiler) ?? compiler;
        var digest = ContentDigest.Of(Encoding.UTF8.GetBytes(version)).Hex[..DigestDigits];
        return $"{machine}.gcc-{CompilerText.MajorOf(version) ?? "x"}.{digest}";
    }

    /// <summary>True for what may be the name of a capability.</summary>
    public static bool IsValid(string text) => NamePattern().IsMatch(text);

    [GeneratedRegex(@"\A[a-z0-9_]{1,20}\.[a-z]{1,10}-[0-9x]{1,4}\.[0-9a-f]{8}\z")]
    private static partial Regex NamePattern();
}
