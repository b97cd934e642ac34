// In: what a dry run of kbuild printed. Out: the compile command of each unit that is part of the kernel. kbuild compiles any C
// file that it is asked for; whether the file is part of the kernel only its lists of objects say, so the dry run prints these.

namespace Elivepatch.Kernel.Compile;

/// <summary>Reads compile commands from the text of a dry run of kbuild.</summary>
internal static class KbuildOutput
{
    private const string Mark = "elivepatch-folder|";

    /// <summary>
    /// A line for scripts/Makefile.build that prints, for each folder: whether it is on the way to vmlinux and to modules, and
    /// the objects in it that become part of either (variables of scripts/Makefile.build and scripts/Makefile.lib).
    /// </summary>
    public const string FolderLine =
        "$(info " + Mark + "$(obj)|$(need-builtin)|$(need-modorder)|$(real-obj-y) $(lib-y) $(extra-y)|$(real-obj-m))";

    /// <summary>The commands that compile these units, by unit. Units that are not part of the kernel are absent.</summary>
    public static IReadOnlyDictionary<string, CompileCommand> Read(string text, IReadOnlySet<string> units)
    {
        var folders = text.Split('\n')
            .Where(l => l.StartsWith(Mark, StringComparison.Ordinal))
            .Select(Folder.Read)
            .OfType<Folder>()
            .DistinctBy(f => f.Path)
            .ToDictionary(f => f.Path, StringComparer.Ordinal);
        var found = new Dictionary<string, CompileCommand>(StringComparer.Ordinal);
        foreach (var words in ShellCommands.Split(text))
        {
            if (words.Count > 3 && units.Contains(words[^1]) && Read(words) is { } command && IsBuilt(command, folders))
            {
                found.TryAdd(command.Unit, command);
            }
        }
        return found;
    }

    private static bool IsBuilt(CompileCommand command, Dictionary<string, Folder> folders)
    {
        var way = Ancestors(command.ObjectPath).Where(folders.ContainsKey).Select(p => folders[p]).ToList();
        return way.Count > 0
            && (
                (way[0].BuiltIn.Contains(command.ObjectPath) && way.TrueForAll(f => f.IsBuiltIn))
                || (way[0].Modules.Contains(command.ObjectPath) && way.TrueForAll(f => f.IsModular))
            );
    }

    // The folders above a file, nearest first.
    private static IEnumerable<string> Ancestors(string path)
    {
        while (Path.GetDirectoryName(path) is { Length: > 0 } folder)
        {
            yield return folder;
            path = folder;
        }
    }

    private static CompileCommand? Read(IReadOnlyList<string> words)
    {
        var kept = new List<string>();
        string? output = null;
        var compiles = false;
        for (var i = 0; i < words.Count - 1; i++)
        {
            var word = words[i];
            if (word == "-c")
            {
                compiles = true;
            }
            else if (word == "-o" && i + 1 < words.Count - 1)
            {
                output = words[++i];
            }
            // Dependency files: -Wp,-MMD,FILE and -Wp,-MD,FILE. Split debug information would leave the object.
            else if (!word.StartsWith("-Wp,-M", StringComparison.Ordinal) && word != "-gsplit-dwarf")
            {
                kept.Add(word);
            }
        }
        if (!compiles || output is null)
        {
            return null;
        }

        return new(
            words[^1],
            output,
            kept,
            kept.Contains("-DMODULE"),
            Definition(kept, "KBUILD_MODNAME"),
            Definition(kept, "KBUILD_MODFILE")
        );
    }

    // The value of -DNAME="text": a C string.
    private static string? Definition(List<string> words, string name)
    {
        var prefix = $"-D{name}=";
        var word = words.Find(w => w.StartsWith(prefix, StringComparison.Ordinal));
        return word?[prefix.Length..].Trim('"') is { Length: > 0 } value ? value : null;
    }

    private sealed record Folder(string Path, bool IsBuiltIn, bool IsModular, HashSet<string> BuiltIn, HashSet<string> Modules)
    {
        public static Folder? Read(string line) =>
            line.Split('|') is [_, var path, var builtIn, var modular, var objects, var modules]
                ? new(Plain(path), builtIn.Trim() == "1", modular.Trim() == "1", Set(objects), Set(modules))
                : null;

        private static HashSet<string> Set(string words) =>
            words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Plain).ToHashSet(StringComparer.Ordinal);

        private static string Plain(string path) => path.StartsWith("./", StringComparison.Ordinal) ? path[2..] : path;
    }
}
