// In: a file before and after patching. Out: the file after, with #line directives (C11 6.10.4) behind changes that moved lines.
// WARN, might_sleep and others compile __LINE__ into code: without the directives, one added line would change every function
// below it. Numbers are doubtful after a run of changed lines that is longer or shorter than what it replaces. Then:
//
//   1. Go to the first unchanged line at which a directive can stand: where the text before is complete (no comment, no continued
//      line, no open parenthesis or bracket) and a statement, a block or a directive has just ended.
//   2. Put "#line N" there, N being the number that this line had before.
//   3. The preprocessor skips a directive in a branch that it skips. So numbers are doubtful again behind every #else, #elif and
//      #endif of the conditionals that were open at the change or at the directive.
//
// Where no such place comes before the next change, that change's own directive serves for both. Numbers in between are off,
// which makes the functions there look changed: more is replaced than needed, never less.

using System.Globalization;

namespace Elivepatch.Kernel.Patches;

/// <summary>Keeps line numbers where they were.</summary>
internal sealed class LineDirectives
{
    private readonly IReadOnlyList<string> lines;
    private readonly LexicalLine[] places;
    private readonly List<string> written = [];

    // The conditionals that are open here, outermost first; true for one that holds a change or a directive.
    private readonly Stack<bool> conditionals = new();
    private bool isDoubtful;

    private LineDirectives(IReadOnlyList<string> lines)
    {
        this.lines = lines;
        places = LexicalPlaces.Find(lines);
    }

    /// <summary>The lines of the patched file with directives between them.</summary>
    public static IReadOnlyList<string> Insert(IReadOnlyList<string> before, IReadOnlyList<string> after)
    {
        var changes = LineDiff.Compare(before, after);
        if (changes.Count == 0)
            return after;
        var directives = new LineDirectives(after);
        var (line, old) = (0, 0);
        foreach (var change in changes)
        {
            directives.CopyUnchanged(line, change.NewStart, old);
            directives.CopyChanged(change);
            (line, old) = (change.NewStart + change.NewCount, change.OldStart + change.OldCount);
        }

        directives.CopyUnchanged(line, after.Count, old);
        return directives.written;
    }

    private void CopyUnchanged(int from, int to, int old)
    {
        for (var line = from; line < to; line++)
        {
            if (isDoubtful && places[line].IsSafe)
            {
                written.Add(string.Create(CultureInfo.InvariantCulture, $"#line {old + line - from + 1}\n"));
                isDoubtful = false;
                MarkConditionals();
            }

            Copy(line);
        }
    }

    private void CopyChanged(LineChange change)
    {
        var movesLines = change.NewCount != change.OldCount;
        if (movesLines)
            MarkConditionals();
        for (var line = change.NewStart; line < change.NewStart + change.NewCount; line++)
        {
            Copy(line);
            if (movesLines && places[line].Conditional == ConditionalPart.If)
                MarkConditionals();
        }

        isDoubtful |= movesLines;
    }

    private void Copy(int line)
    {
        written.Add(lines[line]);
        switch (places[line].Conditional)
        {
            case ConditionalPart.If:
                conditionals.Push(false);
                break;
            case ConditionalPart.Else:
                isDoubtful |= conditionals.TryPeek(out var marked) && marked;
                break;
            case ConditionalPart.EndIf:
                isDoubtful |= conditionals.TryPop(out marked) && marked;
                break;
        }
    }

    private void MarkConditionals()
    {
        var depth = conditionals.Count;
        conditionals.Clear();
        for (var i = 0; i < depth; i++)
            conditionals.Push(true);
    }
}
