// In: a file before and after patching. Out: the file after, with #line directives (C11 6.10.4) behind changes that moved lines.
// WARN, might_sleep and others compile __LINE__ into code: without the directives, one added line would change every function
// below it. For each run of changed lines that is longer or shorter than what it replaces:
//
//   1. Go to the first unchanged line after it at which a directive can stand: where the text before is complete (no comment,
//      no continued line, no open parenthesis or bracket) and a statement, a block or a directive has just ended.
//   2. Put "#line N" there, N being the number that this line had before.
//
// Where no such place comes before the next change, that change's own directive serves for both. Numbers in between are off,
// which makes the functions there look changed: more is replaced than needed, never less.

namespace Elivepatch.Kernel.Patches;

/// <summary>Keeps line numbers where they were.</summary>
internal static class LineDirectives
{
    /// <summary>The lines of the patched file with directives between them.</summary>
    public static IReadOnlyList<string> Insert(IReadOnlyList<string> before, IReadOnlyList<string> after)
    {
        var changes = LineDiff.Compare(before, after);
        if (changes.Count == 0)
            return after;
        var safe = LexicalPlaces.Find(after);
        var directives = new SortedDictionary<int, int>();
        // How far the numbering that the compiler has at this point lies above that of the file before.
        var offset = 0;
        for (var i = 0; i < changes.Count; i++)
        {
            var change = changes[i];
            offset += change.NewCount - change.OldCount;
            if (offset == 0)
                continue;
            var from = change.NewStart + change.NewCount;
            var to = i + 1 < changes.Count ? changes[i + 1].NewStart : after.Count;
            for (var line = from; line < to; line++)
            {
                if (!safe[line])
                    continue;
                directives[line] = line - from + change.OldStart + change.OldCount + 1;
                offset = 0;
                break;
            }
        }
        return [.. after.SelectMany((text, line) => directives.TryGetValue(line, out var number)
            ? new[] { string.Create(System.Globalization.CultureInfo.InvariantCulture, $"#line {number}\n"), text }
            : [text])];
    }
}
