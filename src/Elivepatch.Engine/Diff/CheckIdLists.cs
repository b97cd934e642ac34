using Elivepatch.Engine.Units;
using Elivepatch.Model;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Refuses every change of a list of BTF ids. The bytes of an id are zero in all objects: the build puts the number into the
/// linked kernel, by the name of a symbol, and so neither a new list nor a changed one would ever hold anything but zeroes. An
/// unchanged list is referred to in the running kernel, see <see cref="Include"/>.
/// </summary>
internal static class CheckIdLists
{
    public static void Run(Correlation correlation, List<Problem> problems)
    {
        var (before, after) = (correlation.Before.IdLists, correlation.After.IdLists);
        var (olds, news) = (before.ToLookup(l => l.Name), after.ToLookup(l => l.Name));
        foreach (var name in before.Concat(after).Select(l => l.Name).Distinct())
        {
            if (DifferenceOf([.. olds[name]], [.. news[name]]) is { } difference)
            {
                problems.Add(new(DiffProblems.ChangedIdList, $"{correlation.After.Name}: {name} {difference}"));
            }
        }

        // References count from the beginning of a list, and may reach to its end: what is behind it must stay there.
        if (
            problems.TrueForAll(p => p.Code != DiffProblems.ChangedIdList)
            && before.Zip(after).FirstOrDefault(p => p.First.Name != p.Second.Name || p.First.Start != p.Second.Start)
                is { First: not null } moved
        )
        {
            var what = $"{moved.Second.Name} is where {moved.First.Name} was";
            problems.Add(new(DiffProblems.ChangedIdList, $"{correlation.After.Name}: {what}"));
        }
    }

    private static string? DifferenceOf(IReadOnlyList<BtfIdList> before, IReadOnlyList<BtfIdList> after) =>
        (before.Count, after.Count) switch
        {
            (0, _) => "is new",
            (_, 0) => "disappears",
            (1, 1) when IsGlobal(before[0]) != IsGlobal(after[0]) => $"becomes {(IsGlobal(after[0]) ? "global" : "static")}",
            (1, 1) => DifferenceOf(before[0].Words, after[0].Words),
            _ => $"is there {after.Count} times instead of {before.Count}",
        };

    private static bool IsGlobal(BtfIdList list) => list.Symbols[0].Binding != Elf.ElfSymbolBinding.Local;

    private static string? DifferenceOf(IReadOnlyList<string> before, IReadOnlyList<string> after)
    {
        var index = before.Zip(after).TakeWhile(p => p.First == p.Second).Count();
        if (index == before.Count && index == after.Count)
        {
            return null;
        }

        var (removed, added) = (Without(before, after), Without(after, before));
        return (removed.Count, added.Count) switch
        {
            (0, 0) => $"has {after[index]} where {before[index]} was",
            (0, _) => $"gains {string.Join(", ", added)}",
            (_, 0) => $"loses {string.Join(", ", removed)}",
            _ => $"has {string.Join(", ", added)} instead of {string.Join(", ", removed)}",
        };
    }

    // What is left of the first when each word of the second has taken one away.
    private static List<string> Without(IReadOnlyList<string> words, IReadOnlyList<string> others)
    {
        var left = words.ToList();
        foreach (var word in others)
        {
            left.Remove(word);
        }

        return left;
    }
}
