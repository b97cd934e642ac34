using Elivepatch.Model;
using Elivepatch.Model.Statements;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Compares what a unit exports: the kernel's table of exports is made when it is linked, and no livepatch changes it. What a
/// patch exports or no longer exports changes nothing in what it patches itself, and is left out: modules see the exports as
/// before. An export that stays and means something else is refused, one by one, so that an author can state of each that it may
/// be left out.
/// </summary>
internal static class CheckExports
{
    /// <summary>Runs the check, and says in words what is left out.</summary>
    public static IReadOnlyList<string> Run(Correlation correlation, UnitStatements statements, List<Problem> problems)
    {
        var leftOut = new List<string>();
        var (before, after) = (ExportLists.Of(correlation.Before), ExportLists.Of(correlation.After));
        foreach (var name in before.Keys.Union(after.Keys).Order(StringComparer.Ordinal))
        {
            var (old, now) = (before.GetValueOrDefault(name), after.GetValueOrDefault(name));
            if (old == now)
            {
                continue;
            }

            var isGone = now is null && !correlation.After.Elf.Symbols.Any(s => s.Name == name && s.IsDefined);
            if (isGone || (old is not null && now is not null))
            {
                var what =
                    $"{correlation.After.Name}: the export of {name} "
                    + (
                        isGone ? "disappears with what it stands for" : "changes its licence, its namespace or what it stands for"
                    );
                statements.AddUnlessLifted(problems, new(DiffProblems.ChangedRegistry, what), StatementKind.LeaveOutExport, name);
                continue;
            }

            // Whoever states it says the same.
            _ = statements.TryUse(StatementKind.LeaveOutExport, name);
            leftOut.Add(
                old is null
                    ? $"the new export of {name}: modules find it in a kernel that was built with it"
                    : $"the removal of the export of {name}: modules still find it"
            );
        }

        return leftOut;
    }
}
