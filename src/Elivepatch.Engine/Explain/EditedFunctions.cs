using Elivepatch.Elf.Dwarf;

namespace Elivepatch.Engine.Explain;

/// <summary>
/// Tells which functions of a unit a patch edits, by the lines where functions are declared. That is for explanations alone:
/// what goes into a livepatch is decided by comparing code.
/// </summary>
internal static class EditedFunctions
{
    /// <summary>The edited functions of the unpatched unit, instances left out.</summary>
    public static HashSet<DebugFunction> Find(DebugInfo debug, IReadOnlyList<EditedLines> edits)
    {
        var result = new HashSet<DebugFunction>();
        var byFile = debug
            .Functions.Select(f => f.Source)
            .Distinct()
            .Where(f => f.Declared.File is not null)
            .ToLookup(f => PathOf(f.Declared.File!));
        foreach (var edit in edits)
        {
            var functions = byFile[edit.File].OrderBy(f => f.Declared.Line).ToList();
            for (var i = 0; i < functions.Count; i++)
            {
                // The line with the name may follow one with the type; what lies between two functions belongs to the first.
                var first = functions[i].Declared.Line - 1;
                var last = i + 1 < functions.Count ? functions[i + 1].Declared.Line - 2 : int.MaxValue;
                if (edit.First <= last && edit.Last >= first)
                {
                    result.Add(functions[i]);
                }
            }
        }

        return result;
    }

    private static string PathOf(string file) => file.StartsWith("./", StringComparison.Ordinal) ? file[2..] : file;
}
