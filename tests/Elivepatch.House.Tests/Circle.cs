namespace Elivepatch.House.Tests;

/// <summary>Finds circles among arrows.</summary>
internal static class Circle
{
    /// <summary>A shortest circle, arrow by arrow; empty where there is none.</summary>
    public static IReadOnlyList<Arrow> Find(IReadOnlyCollection<Arrow> arrows) =>
        arrows.Select(first => Close(first, arrows)).Where(c => c.Count > 0).MinBy(c => c.Count) ?? [];

    // From where the first arrow leads, as far as it takes to come back.
    private static List<Arrow> Close(Arrow first, IReadOnlyCollection<Arrow> arrows)
    {
        var open = new Queue<List<Arrow>>([
            [first],
        ]);
        var seen = new HashSet<string> { first.To };
        while (open.TryDequeue(out var path))
        {
            if (path[^1].To == first.From)
            {
                return path;
            }

            foreach (var next in arrows.Where(a => a.From == path[^1].To && seen.Add(a.To)))
            {
                open.Enqueue([.. path, next]);
            }
        }

        return [];
    }
}
