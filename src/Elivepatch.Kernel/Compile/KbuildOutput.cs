namespace Elivepatch.Kernel.Compile;

/// <summary>Reads compile commands from the text of a dry run of kbuild.</summary>
internal static class KbuildOutput
{
    /// <summary>The commands that compile these units, by unit. Units without one are absent.</summary>
    public static IReadOnlyDictionary<string, CompileCommand> Read(string text, IReadOnlySet<string> units)
    {
        var found = new Dictionary<string, CompileCommand>(StringComparer.Ordinal);
        foreach (var words in ShellCommands.Split(text))
        {
            if (words.Count > 3 && units.Contains(words[^1]) && Read(words) is { } command)
                found.TryAdd(command.Unit, command);
        }
        return found;
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
                compiles = true;
            else if (word == "-o" && i + 1 < words.Count - 1)
                output = words[++i];
            // Dependency files: -Wp,-MMD,FILE and -Wp,-MD,FILE. Split debug information would leave the object.
            else if (!word.StartsWith("-Wp,-M", StringComparison.Ordinal) && word != "-gsplit-dwarf")
                kept.Add(word);
        }
        if (!compiles || output is null)
            return null;
        return new(
            words[^1], output, kept, kept.Contains("-DMODULE"), Definition(kept, "KBUILD_MODNAME"), Definition(kept, "KBUILD_MODFILE"));
    }

    // The value of -DNAME="text": a C string.
    private static string? Definition(List<string> words, string name)
    {
        var prefix = $"-D{name}=";
        var word = words.Find(w => w.StartsWith(prefix, StringComparison.Ordinal));
        return word?[prefix.Length..].Trim('"') is { Length: > 0 } value ? value : null;
    }
}
