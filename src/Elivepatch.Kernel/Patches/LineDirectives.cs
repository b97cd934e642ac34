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

/// <summary>The lines of a patched file.</summary>
/// <param name="Lines">With directives between them.</param>
/// <param name="Ambiguous">Numbers, from 1, that do not mean the same line before and after.</param>
/// <param name="Changed">Those of the lines before, from 1, that are gone or other ones now.</param>
/// <param name="Added">The lines that are new or other ones now.</param>
internal sealed record NumberedLines(
    IReadOnlyList<string> Lines,
    IReadOnlySet<int> Ambiguous,
    IReadOnlySet<int> Changed,
    IReadOnlyList<string> Added
);

/// <summary>Keeps line numbers where they were.</summary>
internal sealed class LineDirectives
{
    private readonly IReadOnlyList<string> lines;
    private readonly LexicalLine[] places;
    private readonly List<string> written = [];

    // How many conditionals are open here, and how many of them, from the outermost, hold a change or a directive.
    private int open,
        marked;
    private readonly HashSet<int> doubtful = [];

    // What may lie between the number of the next line and its place in the file: a directive in a branch counts or does not.
    // A file with more of them than anybody writes has no number that can be told.
    private const int MostShifts = 100;
    private readonly HashSet<int> shifts = [0];
    private bool isDoubtful;

    private LineDirectives(IReadOnlyList<string> lines)
    {
        this.lines = lines;
        places = LexicalPlaces.Find(lines);
    }

    /// <summary>The lines of the patched file with directives between them; the same lines where nothing changed.</summary>
    public static NumberedLines Insert(IReadOnlyList<string> before, IReadOnlyList<string> after)
    {
        var changes = LineDiff.Compare(before, after);
        var directives = new LineDirectives(after);
        var (line, old) = (0, 0);
        var gone = changes.SelectMany(c => Enumerable.Range(c.OldStart + 1, c.OldCount)).ToHashSet();
        foreach (var change in changes)
        {
            directives.CopyUnchanged(line, change.NewStart, old);
            directives.CopyChanged(change);
            (line, old) = (change.NewStart + change.NewCount, change.OldStart + change.OldCount);
        }

        directives.CopyUnchanged(line, after.Count, old);
        directives.doubtful.UnionWith(gone);
        return new(
            directives.written,
            directives.shifts.Count > MostShifts ? Enumerable.Range(1, before.Count).ToHashSet() : directives.doubtful,
            gone,
            [.. changes.SelectMany(c => after.Skip(c.NewStart).Take(c.NewCount))]
        );
    }

    private void CopyUnchanged(int from, int to, int old)
    {
        for (var line = from; line < to; line++)
        {
            var number = old + line - from + 1;
            if (isDoubtful && places[line].IsSafe)
            {
                Direct(number);
            }

            if (isDoubtful)
            {
                Doubt(number);
            }

            Copy(line);
        }
    }

    private void CopyChanged(LineChange change)
    {
        var movesLines = change.NewCount != change.OldCount;
        if (movesLines)
        {
            MarkConditionals();
        }

        for (var line = change.NewStart; line < change.NewStart + change.NewCount; line++)
        {
            Doubt(null);
            Copy(line);
            if (movesLines && places[line].Conditional == ConditionalPart.If)
            {
                MarkConditionals();
            }
        }

        isDoubtful |= movesLines;
    }

    private void Direct(int number)
    {
        written.Add(string.Create(CultureInfo.InvariantCulture, $"#line {number}\n"));
        isDoubtful = false;
        MarkConditionals();
        if (open == 0 && shifts.Count <= MostShifts)
        {
            shifts.Clear();
        }
        // The directive is a line as well.
        shifts.Add(number - 1 - written.Count);
    }

    // The next line: the number that it had, and those that it may have now.
    private void Doubt(int? number)
    {
        if (number is { } old)
        {
            doubtful.Add(old);
        }

        if (shifts.Count <= MostShifts)
        {
            doubtful.UnionWith(shifts.Select(s => written.Count + 1 + s));
        }
    }

    private void Copy(int line)
    {
        written.Add(lines[line]);
        switch (places[line].Conditional)
        {
            case ConditionalPart.If:
                open++;
                break;
            case ConditionalPart.Else:
                isDoubtful |= open > 0 && marked == open;
                break;
            case ConditionalPart.EndIf:
                isDoubtful |= open > 0 && marked == open;
                open = Math.Max(open - 1, 0);
                marked = Math.Min(marked, open);
                break;
        }
    }

    private void MarkConditionals() => marked = open;
}
