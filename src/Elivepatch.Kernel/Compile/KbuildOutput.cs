// In: what a dry run of kbuild printed. Out: the compile command of each unit that is part of the kernel. kbuild compiles any C
// file that it is asked for; whether the file is part of the kernel only its lists of objects say, so the dry run prints these.

using Elivepatch.Kernel.Trees;

namespace Elivepatch.Kernel.Compile;

/// <summary>Reads compile commands from the text of a dry run of kbuild.</summary>
internal static class KbuildOutput
{
    private const string Mark = "elivepatch-folder|";

    /// <summary>
    /// A line for scripts/Makefile.build that prints, for each folder: where make runs, whether it is on the way to vmlinux and
    /// to modules, and the objects in it that become part of either (variables of scripts/Makefile.build and
    /// scripts/Makefile.lib).
    /// </summary>
    public const string FolderLine =
        "$(info " + Mark + "$(CURDIR)|$(obj)|$(need-builtin)|$(need-modorder)|$(real-obj-y) $(lib-y) $(extra-y)|$(real-obj-m))";

    /// <summary>
    /// The commands that compile these units, by unit. Units that are not part of the kernel, or of a module, are absent.
    /// </summary>
    /// <param name="text">What the dry run printed.</param>
    /// <param name="units">The units, by their paths in the source.</param>
    /// <param name="tree">The source: kbuild names files from where it runs, or by their whole paths.</param>
    public static IReadOnlyDictionary<string, CompileCommand> Read(string text, IReadOnlySet<string> units, SourceTree tree)
    {
        var marked = text.Split('\n').Where(l => l.StartsWith(Mark, StringComparison.Ordinal)).Select(l => l.Split('|')).ToList();
        var paths = new PathsOfKbuild(marked.Select(m => m.ElementAtOrDefault(1)).FirstOrDefault() ?? tree.Root, tree);
        var folders = marked
            .Select(m => Folder.Read(m, paths))
            .OfType<Folder>()
            .DistinctBy(f => f.Path)
            .ToDictionary(f => f.Path, StringComparer.Ordinal);
        var found = new Dictionary<string, CompileCommand>(StringComparer.Ordinal);
        foreach (var words in ShellCommands.Split(text))
        {
            if (
                words.Count > 3
                && paths.InSource(words[^1]) is { } unit
                && units.Contains(unit)
                && Read(words, unit, paths) is { } command
                && IsBuilt(command, folders)
            )
            {
                found.TryAdd(command.Unit, command);
            }
        }
        return found;
    }

    private static bool IsBuilt(CompileCommand command, Dictionary<string, Folder> folders)
    {
        var way = Ancestors(command.ObjectPath).Where(folders.ContainsKey).Select(p => folders[p]).ToList();
        if (way.Count == 0 && folders.TryGetValue("", out var top))
        {
            way.Add(top);
        }

        return way.Count > 0
            && (
                (way[0].BuiltIn.Contains(command.ObjectPath) && way.TrueForAll(f => f.IsBuiltIn))
                || (way[0].Modules.Contains(command.ObjectPath) && way.TrueForAll(f => f.IsModular))
            );
    }

    // The folders above a file, nearest first, without the top.
    private static IEnumerable<string> Ancestors(string path)
    {
        while (Path.GetDirectoryName(path) is { Length: > 0 } folder)
        {
            yield return folder;
            path = folder;
        }
    }

    private static CompileCommand? Read(IReadOnlyList<string> words, string unit, PathsOfKbuild paths)
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
        if (!compiles || output is null || paths.InSource(output) is not { } objectPath)
        {
            return null;
        }

        return new(
            unit,
            objectPath,
            kept,
            kept.Contains("-DMODULE"),
            Definition(kept, "KBUILD_MODNAME"),
            Definition(kept, "KBUILD_MODFILE")
        )
        {
            SourcePrefix = paths.PrefixOf(words[^1], unit),
            WorkingDirectory = paths.Directory,
        };
    }

    // The value of -DNAME="text": a C string.
    private static string? Definition(List<string> words, string name)
    {
        var prefix = $"-D{name}=";
        var word = words.Find(w => w.StartsWith(prefix, StringComparison.Ordinal));
        return word?[prefix.Length..].Trim('"') is { Length: > 0 } value ? value : null;
    }

    // Paths as kbuild writes them. It runs at the top of the kernel's tree, and from 6.13 on in the folder of the module that it
    // builds.
    private sealed record PathsOfKbuild(string Directory, SourceTree Tree)
    {
        // The path in the source, "" for its top; null for what is not in it.
        public string? InSource(string word) =>
            word.Length == 0 || word.Contains('\0', StringComparison.Ordinal)
                ? null
                : Tree.PathOf(Path.GetFullPath(word, Directory));

        // Where kbuild builds beside the source, it finds there what is not in the folder that it builds in; here that has all
        // of it.
        public string PrefixOf(string word, string unit) =>
            Tree.CompiledPath is { } path && !Path.IsPathRooted(word) && Tree.HasFile(unit) ? path + "/"
            : word.EndsWith(unit, StringComparison.Ordinal) ? word[..^unit.Length]
            : "";
    }

    private sealed record Folder(string Path, bool IsBuiltIn, bool IsModular, HashSet<string> BuiltIn, HashSet<string> Modules)
    {
        public static Folder? Read(string[] fields, PathsOfKbuild paths) =>
            fields is [_, _, var path, var builtIn, var modular, var objects, var modules] && paths.InSource(path) is { } folder
                ? new(folder, builtIn.Trim() == "1", modular.Trim() == "1", Set(objects, paths), Set(modules, paths))
                : null;

        private static HashSet<string> Set(string words, PathsOfKbuild paths) =>
            words
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(paths.InSource)
                .OfType<string>()
                .ToHashSet(StringComparer.Ordinal);
    }
}
