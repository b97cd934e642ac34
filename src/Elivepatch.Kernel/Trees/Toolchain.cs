// In: the first line that the kernel's compiler printed of itself. Out: that very compiler on this machine. Another version,
// even a packaging revision apart, may inline another function, so the text has to be the same.

using System.Text.RegularExpressions;
using Elivepatch.Engine;
using Elivepatch.Kernel.Processes;

namespace Elivepatch.Kernel.Trees;

/// <summary>The compiler that built a kernel, found on this machine.</summary>
/// <param name="Name">The name that the kernel's build called it by; the first word of the text.</param>
/// <param name="ExecutablePath">Where it is on this machine.</param>
/// <param name="CrossPrefix">The prefix of its binutils, <c>CROSS_COMPILE</c>; empty where the name has none.</param>
/// <param name="Text">The first line of its <c>--version</c>, called by <paramref name="Name"/>.</param>
public sealed partial record Toolchain(string Name, string ExecutablePath, string CrossPrefix, string Text)
{
    /// <summary>Finds the compiler whose version text this is.</summary>
    public static async Task<Outcome<Toolchain>> FindAsync(string text, CancellationToken cancellation)
    {
        var words = text.Split(' ', 2);
        var match = NamePattern().Match(words[0]);
        if (!match.Success || words.Length != 2)
            return new Problem(ProblemCodes.CompilerUnsupported, $"the kernel was built by \"{text}\", which is no GCC");
        var seen = new List<string>();
        foreach (var path in Candidates(words[0], words[1]))
        {
            var found = await VersionAsync(path, cancellation);
            if (found == words[1])
                return new Toolchain(words[0], path, match.Groups["prefix"].Value, text);
            seen.Add($"{path} is \"{found}\"");
        }
        var major = Major(words[1]);
        var package = major is null ? "gcc" : $"gcc-{major}";
        return new Problem(
            ProblemCodes.CompilerMissing,
            $"the kernel was built by \"{text}\"; {(seen.Count == 0 ? "there is no GCC here" : "here " + string.Join(", ", seen))}",
            $"Install that version of the package {package}: apt-get install {package}");
    }

    private static IEnumerable<string> Candidates(string name, string version)
    {
        List<string> names = [name, "gcc", "x86_64-linux-gnu-gcc"];
        if (Major(version) is { } major)
            names.InsertRange(1, [$"gcc-{major}", $"x86_64-linux-gnu-gcc-{major}"]);
        // Only what a sandbox sees as well.
        return names.Select(n => Executables.Find(n, "/usr/local/bin:/usr/bin")).OfType<string>().Distinct();
    }

    private static async Task<string> VersionAsync(string path, CancellationToken cancellation)
    {
        var request = new ProcessRequest { File = path, Arguments = ["--version"], Timeout = TimeSpan.FromSeconds(20) };
        var result = await ProcessRunner.RunAsync(request, cancellation);
        // The kernel's Makefile takes the first line without hash signs (CC_VERSION_TEXT).
        var line = result.Output.Split('\n')[0].Replace("#", "", StringComparison.Ordinal);
        return line.Split(' ', 2) is [_, var rest] ? rest : "";
    }

    private static string? Major(string version) =>
        MajorPattern().Match(version) is { Success: true } match ? match.Groups[1].Value : null;

    [GeneratedRegex(@"^(?<prefix>(?:[a-z0-9_]+-){2,3})?gcc(?:-[0-9]+(?:\.[0-9]+)*)?$")]
    private static partial Regex NamePattern();

    [GeneratedRegex(@" ([0-9]+)\.[0-9]+\.[0-9]+(?: |$)")]
    private static partial Regex MajorPattern();
}
