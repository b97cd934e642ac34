// In: a kernel's tree. Out: what its objtool knows to end a path: functions, by their names, that are in no object but vmlinux.

using System.Text.RegularExpressions;
using Elivepatch.Kernel.Trees;

namespace Elivepatch.Kernel.Link;

/// <summary>The names of functions that never return, as the kernel's own objtool has them.</summary>
internal static partial class NoReturnNames
{
    private const string List = "tools/objtool/noreturns.h";

    /// <summary>Reads them; none where the kernel is older than the list (6.5).</summary>
    public static IReadOnlyList<string> Read(PreparedTree tree)
    {
        var path = Path.Combine(tree.Folder, List);
        // Some are known by their names for other reasons as well; these begin with underscores.
        return File.Exists(path)
            ? [.. NamePattern().Matches(File.ReadAllText(path)).Select(m => m.Groups[1].Value).Where(n => !n.StartsWith('_'))]
            : [];
    }

    [GeneratedRegex(@"^NORETURN\(([A-Za-z0-9_]{1,100})\)", RegexOptions.Multiline)]
    private static partial Regex NamePattern();
}
