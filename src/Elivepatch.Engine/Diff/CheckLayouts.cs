using Elivepatch.Elf.Dwarf;
using Elivepatch.Model;
using Elivepatch.Model.Statements;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Refuses a patch that changes how a structure lies in memory: objects of the old layout exist in the running kernel, and code
/// in other units goes on to use it. In: the debug information of both units; without it the check says nothing. An author may
/// state that the new layout of one type is safe; a type that changes because another one inside it does is another type. Here
/// are types of one name; the others are in <see cref="CheckEnumConstants"/>, <see cref="CheckRenames"/>,
/// <see cref="CheckVariableTypes"/>.
/// </summary>
internal static class CheckLayouts
{
    public static void Run(Correlation correlation, UnitStatements statements, List<Problem> problems)
    {
        // A type of one function can differ between instances of it; only types that all of the unit sees are shared.
        static ILookup<(LayoutKind, string), StructLayout> Shared(DebugInfo debug) =>
            debug.Layouts.Where(l => l.Scope is null).ToLookup(l => (l.Kind, l.Name));

        var before = Shared(correlation.Before.Debug);
        foreach (var group in Shared(correlation.After.Debug))
        {
            if (
                before[group.Key].FirstOrDefault() is { } old
                && group.First().DifferenceFrom(old) is { } difference
                && IsUnsafe(old, group.First())
            )
            {
                var problem = new Problem(DiffProblems.ChangedLayout, $"{correlation.After.Name}: {old.Spelling}: {difference}");
                if (AddedInHoles(old, group.First()) is { } added)
                {
                    problem = new(
                        DiffProblems.ChangedLayout,
                        $"{correlation.After.Name}: {old.Spelling}: {added} in what was padding, where objects that exist have any value"
                    );
                }

                statements.AddUnlessLifted(problems, problem, StatementKind.LayoutIsSafe, old.Spelling);
            }
        }
    }

    // All that was there stays where it was.
    private static string? AddedInHoles(StructLayout before, StructLayout after)
    {
        if (before.Size != after.Size || before.Kind != LayoutKind.Struct || !before.Members.All(after.Members.Contains))
        {
            return null;
        }

        List<string> added = [.. after.Members.Except(before.Members).Select(m => m.Name)];
        return added.Count == 0 || added.Contains("")
            ? null
            : $"{string.Join(", ", added)} {(added.Count == 1 ? "lies" : "lie")}";
    }

    // A new constant of an enumeration changes no object that exists.
    internal static bool IsUnsafe(StructLayout before, StructLayout after) =>
        before.Kind != LayoutKind.Enum
        || before.Size != after.Size
        || before.Members.Any(m => !after.Members.Any(n => n.Name == m.Name && n.Offset == m.Offset));
}
