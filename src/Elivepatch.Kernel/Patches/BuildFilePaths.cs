// In: the text of a patch that patch(1) will apply. Out: the files in it that say how the kernel is built. patch(1) reads more
// forms than SourcePatch does and is forgiving about them, so every line that could name a file counts: a false alarm asks the
// operator, a miss would not.

using System.Text;

namespace Elivepatch.Kernel.Patches;

/// <summary>Files of a kernel's source that run or configure its build.</summary>
public static class BuildFilePaths
{
    private static readonly string[] Names = ["Makefile", "Kbuild", "Kconfig", "GNUmakefile", "makefile"];
    private static readonly string[] Folders = ["scripts", "tools", "usr", "certs"];
    private static readonly string[] Suffixes = [".sh", ".pl", ".py", ".awk", ".mk", ".include"];

    private static readonly string[] Headers =
    [
        "--- ",
        "+++ ",
        "*** ",
        "Index:",
        "Prereq:",
        "diff ",
        "rename from ",
        "rename to ",
        "copy from ",
        "copy to ",
    ];

    /// <summary>The files of this kind that a patch names, without its first folder; empty where there is none.</summary>
    public static IReadOnlyList<string> FindIn(ReadOnlySpan<byte> patch)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var line in Encoding.Latin1.GetString(patch).Split('\n'))
        {
            // patch(1) takes an indented diff, and one whose lines were marked with X.
            var text = line.TrimStart(' ', '\t', 'X', '\r');
            if (Array.Find(Headers, h => text.StartsWith(h, StringComparison.Ordinal)) is not { } header)
            {
                continue;
            }

            var words = text[header.Length..].Split((char[])[' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            found.UnionWith(words.SelectMany(Readings).Where(IsBuildFile));
        }

        return [.. found];
    }

    /// <summary>True for a path in the source of a file that runs or configures the build.</summary>
    public static bool IsBuildFile(string path)
    {
        var parts = path.Split('/').Where(p => p is not ("" or ".")).ToArray();
        if (parts.Length == 0)
        {
            return false;
        }

        var name = parts[^1];
        return Array.Exists(Names, n => name == n || name.StartsWith(n + ".", StringComparison.Ordinal))
            || Folders.Contains(parts[0])
            || parts[..^1].Any(p => p is "scripts" or "tools")
            || Array.Exists(Suffixes, s => name.EndsWith(s, StringComparison.Ordinal));
    }

    // With the first folder, as a rename has it, and without. A quoted name may be written with escapes: it is one that nobody
    // needs.
    private static IEnumerable<string> Readings(string word)
    {
        if (word.Contains('"', StringComparison.Ordinal) || word.Contains('\\', StringComparison.Ordinal))
        {
            yield return "Makefile";
        }

        yield return word;
        if (word.IndexOf('/', StringComparison.Ordinal) is var slash and >= 0)
        {
            yield return word[(slash + 1)..];
        }
    }
}
