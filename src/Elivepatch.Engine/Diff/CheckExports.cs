using Elivepatch.Engine.Statements;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Refuses a patch that changes what a unit exports: the kernel's table of exports is made when it is linked. Exports are
/// compared one by one, so that an author can state of each that it may be left out.
/// </summary>
internal static class CheckExports
{
    public static void Run(Correlation correlation, UnitStatements statements, List<Problem> problems)
    {
        var (before, after) = (ExportLists.Of(correlation.Before), ExportLists.Of(correlation.After));
        foreach (var name in before.Keys.Union(after.Keys).Order(StringComparer.Ordinal))
        {
            var what = (before.GetValueOrDefault(name), after.GetValueOrDefault(name)) switch
            {
                (null, _) => "is new",
                (_, null) => "disappears",
                var (b, a) => b == a ? null : "changes its licence, its namespace or what it stands for",
            };
            if (what is not null)
            {
                statements.Refuse(
                    problems, new(ProblemCodes.ChangedRegistry, $"{correlation.After.Name}: the export of {name} {what}"),
                    StatementKind.LeaveOutExport, name);
            }
        }
    }
}
