using Elivepatch.Elf.Dwarf;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Which line numbers mean one line before and after a patch. A patched file is compiled with the old numbers where its lines
/// stay; lines that the patch changes, and those before a number can be put right, have numbers that mean nothing.
/// </summary>
/// <param name="Ambiguous">
/// By path of a patched file: the line numbers, from 1, that do not. Files that are not patched keep all.
/// </param>
public sealed record StableLines(IReadOnlyDictionary<string, IReadOnlySet<int>> Ambiguous)
{
    /// <summary>By path of a patched file: the lines before, from 1, that the patch removes or changes.</summary>
    public IReadOnlyDictionary<string, IReadOnlySet<int>> Changed { get; init; } = new Dictionary<string, IReadOnlySet<int>>();

    /// <summary>True where the patch may add a variable that lives longer than a call, in any of its files.</summary>
    public bool AddsVariables { get; init; } = true;

    /// <summary>True for a line of the unpatched source that the patch removes or changes.</summary>
    public bool IsChanged(SourceLine before) =>
        before is { File: { } file, Line: > 0 }
        && Plain(file) is { } path
        && Changed.TryGetValue(path, out var numbers)
        && numbers.Contains(before.Line);

    /// <summary>True where the same place before and after the patch is the same line.</summary>
    public bool IsStable(SourceLine place) =>
        place is { File: { } file, Line: > 0 }
        && Plain(file) is { } path
        && !(Ambiguous.TryGetValue(path, out var numbers) && numbers.Contains(place.Line));

    // A header is known by the way that led to it, as in net/sub/../x.h. What leads out of the tree is no path in it.
    private static string? Plain(string file)
    {
        var parts = new List<string>();
        foreach (var part in file.Split('/'))
        {
            if (part == ".." && (parts.Count == 0 || file[0] == '/'))
            {
                return null;
            }

            if (part == "..")
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else if (part is not ("" or "."))
            {
                parts.Add(part);
            }
        }

        return file.StartsWith('/') ? null : string.Join('/', parts);
    }
}
