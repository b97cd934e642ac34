// In: the lines of a file and hunks. Out: the lines with the hunks applied. No fuzz: every line of a hunk has to be there. A hunk
// may have moved, for an earlier patch or a backport moves lines, but only to a place that is the only one that it fits.

using Elivepatch.Model;

namespace Elivepatch.Kernel.Patches;

/// <summary>Applies the hunks of one file.</summary>
internal static class HunkApplier
{
    private const int ShownHunk = 1500;

    /// <summary>The patched lines.</summary>
    /// <param name="name">Name of the patch, for problems.</param>
    /// <param name="file">The file and its hunks.</param>
    /// <param name="original">Lines of the file.</param>
    public static Outcome<List<string>> Apply(string name, PatchedFile file, IReadOnlyList<string> original)
    {
        var lines = new List<string>(original);
        var moved = 0;
        var floor = 0;
        foreach (var hunk in file.Hunks)
        {
            List<string> before = [.. hunk.Before];
            List<string> after = [.. hunk.After];
            // A hunk of additions alone names the line after which they come.
            var expected = (before.Count == 0 ? hunk.OldStart : hunk.OldStart - 1) + moved;
            if (Place(lines, before, expected, floor) is not { } place)
            {
                return Refusal(name, file, hunk, original, Places(lines, before, floor).Count() > 1);
            }

            lines.RemoveRange(place, before.Count);
            lines.InsertRange(place, after);
            moved += place - expected + after.Count - before.Count;
            floor = place + after.Count;
        }
        return lines;
    }

    /// <summary>True where undoing the hunks would succeed: the file has them already.</summary>
    private static bool IsApplied(PatchedFile file, IReadOnlyList<string> lines)
    {
        var floor = 0;
        foreach (var hunk in file.Hunks)
        {
            List<string> after = [.. hunk.After];
            if (after.Count == 0 || !Places(lines, after, floor).Any())
            {
                return false;
            }

            floor = Places(lines, after, floor).First() + after.Count;
        }
        return true;
    }

    private static int? Place(List<string> lines, List<string> before, int expected, int floor)
    {
        if (expected >= floor && Fits(lines, before, expected))
        {
            return expected;
        }
        // Without lines to look for there is only the place that the patch names.
        return before.Count > 0 && Places(lines, before, floor).Take(2).ToList() is [var only] ? only : null;
    }

    private static IEnumerable<int> Places(IReadOnlyList<string> lines, List<string> wanted, int floor) =>
        Enumerable.Range(floor, Math.Max(0, lines.Count - wanted.Count - floor + 1)).Where(i => Fits(lines, wanted, i));

    private static bool Fits(IReadOnlyList<string> lines, List<string> wanted, int place)
    {
        if (place < 0 || place + wanted.Count > lines.Count)
        {
            return false;
        }

        for (var i = 0; i < wanted.Count; i++)
        {
            if (!string.Equals(lines[place + i], wanted[i], StringComparison.Ordinal))
            {
                return false;
            }
        }
        return true;
    }

    private static string AboutEnds(PatchHunk hunk, IReadOnlyList<string> lines) =>
        hunk.Lines.Any(l => l.Text.EndsWith("\r\n", StringComparison.Ordinal))
        && !lines.Any(l => l.EndsWith("\r\n", StringComparison.Ordinal))
            ? " (those of the patch end in carriage returns, its own do not)"
            : "";

    private static Problem Refusal(string name, PatchedFile file, PatchHunk hunk, IReadOnlyList<string> lines, bool ambiguous)
    {
        if (IsApplied(file, lines))
        {
            return new(PatchProblems.PatchAlreadyApplied, $"{name}: {file.Path} has the change");
        }

        var text = hunk.Text.Length > ShownHunk ? hunk.Text[..ShownHunk] + "..." : hunk.Text;
        return ambiguous
            ? new(PatchProblems.PatchAmbiguous, $"{name}: {file.Path}:\n{text}")
            : new(PatchProblems.PatchDoesNotApply, $"{name}: {file.Path} has no such lines{AboutEnds(hunk, lines)}:\n{text}");
    }
}
