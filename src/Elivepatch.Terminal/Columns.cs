namespace Elivepatch.Terminal;

/// <summary>Rows of text in aligned columns.</summary>
public static class Columns
{
    // One long name must not push everybody's remarks off the screen.
    private const int WidestColumn = 44;

    /// <summary>Writes rows of as many columns each; the last column is not padded.</summary>
    public static void Write(TextWriter output, IReadOnlyList<string[]> rows, int indent)
    {
        var printable = rows.Select(r => r.Select(Printable.Escape).ToArray()).ToList();
        var columns = printable.Select(r => r.Length).DefaultIfEmpty().Max();
        var widths = Enumerable
            .Range(0, columns)
            .Select(c => Math.Min(WidestColumn, printable.Where(r => c < r.Length).Max(r => r[c].Length)))
            .ToArray();
        foreach (var row in printable)
        {
            output.WriteLine(
                (new string(' ', indent) + string.Join("  ", row.Select((cell, c) => cell.PadRight(widths[c])))).TrimEnd()
            );
        }
    }
}
