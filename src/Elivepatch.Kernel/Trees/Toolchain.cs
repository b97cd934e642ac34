// In: the first line that the kernel's compiler printed of itself. Out: that very compiler on this machine. Another version,
// even a packaging revision apart, may inline another function, so the text has to be the same.

using System.Text.RegularExpressions;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Processes;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Trees;

/// <summary>The compiler that built a kernel, found on this machine.</summary>
/// <param name="Name">The name that the kernel's build called it by; the first word of the text.</param>
/// <param name="ExecutablePath">Where it is on this machine.</param>
/// <param name="CrossPrefix">The prefix of its binutils, <c>CROSS_COMPILE</c>; empty where the name has none.</param>
public sealed partial record Toolchain(string Name, string ExecutablePath, string CrossPrefix)
{
    // Only what a sandbox sees as well.
    private static readonly string[] sandboxFolders = ["/usr/local/bin", "/usr/bin"];

    /// <summary>Finds the compiler whose version text this is.</summary>
    public static async Task<Outcome<Toolchain>> FindAsync(
        KernelArchitecture architecture,
        string text,
        CancellationToken cancellation
    )
    {
        var words = text.Split(' ', 2);
        var match = NamePattern().Match(words[0]);
        if (!match.Success || words.Length != 2)
        {
            return new Problem(CompileProblems.CompilerUnsupported, $"the kernel was built by \"{text}\", which is not GCC");
        }

        var seen = new List<string>();
        foreach (var path in Candidates(architecture, words[0], words[1]))
        {
            var found = await VersionAsync(path, cancellation);
            if (found == words[1])
            {
                return new Toolchain(words[0], path, match.Groups["prefix"].Value);
            }

            seen.Add($"{path} is \"{found}\"");
        }
        var major = MajorOf(words[1]);
        var package = major is null ? "gcc" : $"gcc-{major}";
        return new Problem(
            CompileProblems.CompilerMissing,
            $"the kernel was built by \"{text}\"; {(seen.Count == 0 ? "there is no GCC here" : "here " + string.Join(", ", seen))}",
            $"Install that version of the package {package}: apt-get install {package}."
        );
    }

    /// <summary>The texts of all compilers of this machine that <see cref="FindAsync"/> could find, by whatever name.</summary>
    public static async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellation)
    {
        var texts = new List<string>();
        foreach (var folder in sandboxFolders.Where(Directory.Exists))
        {
            foreach (var name in Directory.EnumerateFiles(folder).Select(f => Path.GetFileName(f)).Where(IsOwn))
            {
                if (
                    Executables.Find(name, folder) is { } path
                    && await VersionAsync(path, cancellation) is { Length: > 0 } version
                )
                {
                    texts.Add($"{name} {version}");
                }
            }
        }
        return texts;
    }

    /// <summary>
    /// The part of a compiler's text that says which it is, whatever it was called by; null where there is none.
    /// </summary>
    public static string? VersionOf(string text) => text.Split(' ', 2) is [_, var version] ? version : null;

    /// <summary>The major version in such a part; null where it names none.</summary>
    public static string? MajorOf(string version) =>
        MajorPattern().Match(version) is { Success: true } match ? match.Groups[1].Value : null;

    private static IEnumerable<string> Candidates(KernelArchitecture architecture, string name, string version)
    {
        List<string> names = [name, "gcc", $"{architecture.Target}-gcc"];
        if (MajorOf(version) is { } major)
        {
            names.InsertRange(1, [$"gcc-{major}", $"{architecture.Target}-gcc-{major}"]);
        }

        return names.Select(n => Executables.Find(n, string.Join(':', sandboxFolders))).OfType<string>().Distinct();
    }

    // Another target's compiler of the same version is another compiler.
    private static bool IsOwn(string name)
    {
        var target =
            KernelArchitectures.All.Select(a => a.Target + "-").FirstOrDefault(t => name.StartsWith(t, StringComparison.Ordinal))
            ?? "";
        return OwnPattern().IsMatch(name[target.Length..]);
    }

    private static async Task<string> VersionAsync(string path, CancellationToken cancellation)
    {
        var request = new ProcessRequest
        {
            File = path,
            Arguments = ["--version"],
            Timeout = TimeSpan.FromSeconds(20),
        };
        var result = await ProcessRunner.RunAsync(request, cancellation);
        // The kernel's Makefile takes the first line without hash signs (CC_VERSION_TEXT).
        var line = result.Output.Split('\n')[0].Replace("#", "", StringComparison.Ordinal);
        return line.Split(' ', 2) is [_, var rest] ? rest : "";
    }

    [GeneratedRegex(@"^(?<prefix>(?:[a-z0-9_]+-){2,3})?gcc(?:-[0-9]+(?:\.[0-9]+)*)?$")]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"\Agcc(?:-[0-9]+)?\z")]
    private static partial Regex OwnPattern();

    [GeneratedRegex(@" ([0-9]+)\.[0-9]+\.[0-9]+(?: |$)")]
    private static partial Regex MajorPattern();
}
