// In: two lists of lines. Out: the runs in which they differ. The algorithm is that of E. Myers, "An O(ND) Difference Algorithm
// and Its Variations" (1986), in its simple form with a trace of each step. Where the two differ too much for that, all between
// the first and the last difference counts as changed: that is correct as well, only coarser.

namespace Elivepatch.Kernel.Patches;

/// <summary>Compares files line by line.</summary>
internal static class LineDiff
{
    private const int MostEdits = 2000;

    /// <summary>The changes, in order.</summary>
    public static IReadOnlyList<LineChange> Compare(IReadOnlyList<string> before, IReadOnlyList<string> after)
    {
        var start = 0;
        while (start < before.Count && start < after.Count && before[start] == after[start])
        {
            start++;
        }

        var (oldEnd, newEnd) = (before.Count, after.Count);
        while (oldEnd > start && newEnd > start && before[oldEnd - 1] == after[newEnd - 1])
        {
            (oldEnd, newEnd) = (oldEnd - 1, newEnd - 1);
        }

        if (start == oldEnd && start == newEnd)
        {
            return [];
        }

        if (Trace(before, after, start, oldEnd, newEnd) is not { } trace)
        {
            return [new(start, oldEnd - start, start, newEnd - start)];
        }

        return Gather(Matches(trace, oldEnd - start, newEnd - start), start, oldEnd, newEnd);
    }

    // For each number of edits, how far each diagonal gets: v[k] is the old position reached on diagonal k = old - new.
    private static List<Dictionary<int, int>>? Trace(
        IReadOnlyList<string> before,
        IReadOnlyList<string> after,
        int start,
        int oldEnd,
        int newEnd
    )
    {
        var (oldCount, newCount) = (oldEnd - start, newEnd - start);
        var trace = new List<Dictionary<int, int>>();
        var reached = new Dictionary<int, int> { [1] = 0 };
        for (var edits = 0; edits <= Math.Min(MostEdits, oldCount + newCount); edits++)
        {
            var next = new Dictionary<int, int>();
            trace.Add(next);
            for (var k = -edits; k <= edits; k += 2)
            {
                var x = Down(reached, k, edits) ? reached[k + 1] : reached[k - 1] + 1;
                while (x < oldCount && x - k < newCount && x - k >= 0 && before[start + x] == after[start + x - k])
                {
                    x++;
                }

                next[k] = x;
                if (x >= oldCount && x - k >= newCount)
                {
                    return trace;
                }
            }
            reached = next;
        }
        return null;
    }

    private static bool Down(Dictionary<int, int> reached, int k, int edits) =>
        k == -edits || (k != edits && reached[k - 1] < reached[k + 1]);

    // The matched pairs of positions, from the end to the start.
    private static List<(int Old, int New)> Matches(List<Dictionary<int, int>> trace, int oldCount, int newCount)
    {
        var matches = new List<(int Old, int New)>();
        var (x, y) = (oldCount, newCount);
        for (var edits = trace.Count - 1; edits >= 0; edits--)
        {
            var k = x - y;
            var reached = edits == 0 ? new Dictionary<int, int> { [1] = 0 } : trace[edits - 1];
            var down = Down(reached, k, edits);
            var fromX = down ? reached[k + 1] : reached[k - 1];
            var fromY = fromX - (down ? k + 1 : k - 1);
            var (afterX, afterY) = down ? (fromX, fromY + 1) : (fromX + 1, fromY);
            while (x > afterX && y > afterY)
            {
                matches.Add((--x, --y));
            }

            (x, y) = (fromX, fromY);
        }
        return matches;
    }

    private static List<LineChange> Gather(List<(int Old, int New)> matches, int start, int oldEnd, int newEnd)
    {
        var changes = new List<LineChange>();
        var (x, y) = (start, start);
        foreach (
            var (old, @new) in matches
                .AsEnumerable()
                .Reverse()
                .Select(m => (m.Old + start, m.New + start))
                .Append((oldEnd, newEnd))
        )
        {
            if (old > x || @new > y)
            {
                changes.Add(new(x, old - x, y, @new - y));
            }

            (x, y) = (old + 1, @new + 1);
        }
        return changes;
    }
}
