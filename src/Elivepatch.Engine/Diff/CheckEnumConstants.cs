using Elivepatch.Elf.Dwarf;
using Elivepatch.Model;
using Elivepatch.Model.Statements;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Refuses constants of enums that change their value, or go from an enum that stays: the running kernel has the old ones in its
/// memory. A constant that is new changes nothing that exists. An enum with a name is compared by that
/// (<see cref="CheckLayouts"/>); here are those without, whose constants have one meaning in the unit all the same.
/// </summary>
internal static class CheckEnumConstants
{
    public static void Run(Correlation correlation, UnitStatements statements, List<Problem> problems)
    {
        var (before, after) = (Known(correlation.Before.Debug), Known(correlation.After.Debug));
        var staying = before.Where(b => after.ContainsKey(b.Key)).Select(b => b.Value.Enum).ToHashSet();
        var named = NamedByTypedef(correlation.Before.Debug);
        named.IntersectWith(NamedByTypedef(correlation.After.Debug));
        foreach (var (key, old) in before)
        {
            var isGone = !after.TryGetValue(key, out var now);
            var isCompared = key.Scope is null && old.Tag.Length > 0 && (isGone || old.Tag == now.Tag);
            var what = isGone ? "was removed" : $"was {old.Value}, now it is {now.Value}";
            if (
                isCompared
                || (key.Scope is null && named.Contains(key.Name))
                || (isGone ? !staying.Contains(old.Enum) : old.Value == now.Value)
            )
            {
                continue;
            }

            statements.AddUnlessLifted(
                problems,
                new(DiffProblems.ChangedLayout, $"{correlation.After.Name}: the constant {key.Name} of an enum {what}"),
                StatementKind.LayoutIsSafe,
                key.Name
            );
        }
    }

    // Macros may declare one constant again and again, in blocks of their own.
    private static Dictionary<(string? Scope, string Name), EnumConstant> Known(DebugInfo debug) =>
        debug
            .EnumConstants.GroupBy(c => (c.Scope, c.Name))
            .Where(g => g.Select(c => c.Value).Distinct().Count() == 1)
            .ToDictionary(g => g.Key, g => g.First());

    private static HashSet<string> NamedByTypedef(DebugInfo debug) =>
        [
            .. debug
                .Layouts.Where(l => l is { Kind: LayoutKind.Enum, IsNamedByTypedef: true, Scope: null })
                .SelectMany(l => l.Members)
                .Select(m => m.Name),
        ];
}
