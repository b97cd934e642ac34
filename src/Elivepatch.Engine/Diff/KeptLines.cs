using Elivepatch.Elf.Dwarf;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Which line numbers mean one line before and after a patch. A patched file is compiled with the old numbers where its lines stay;
/// lines that the patch changes, and those before a number can be put right, have numbers that mean nothing.
/// </summary>
/// <param name="Doubtful">By path of a patched file: the line numbers, from 1, that do not. Files that are not patched keep all.</param>
public sealed record KeptLines(IReadOnlyDictionary<string, IReadOnlySet<int>> Doubtful)
{
    /// <summary>True where the same place before and after the patch is the same line.</summary>
    public bool Has(SourceLine place) =>
        place is { File: { } file, Line: > 0 } && !(Doubtful.TryGetValue(Plain(file), out var numbers) && numbers.Contains(place.Line));

    private static string Plain(string file) => file.StartsWith("./", StringComparison.Ordinal) ? file[2..] : file;
}
