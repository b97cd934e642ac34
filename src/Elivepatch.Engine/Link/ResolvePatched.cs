using System.Globalization;
using Elivepatch.Engine.Diff;
using Elivepatch.Model;

namespace Elivepatch.Engine.Link;

/// <summary>
/// Names the functions that the livepatch diverts, as the livepatch core finds them: by name and position in kallsyms.
/// In: the units to link. Out: a list in unit and object order.
/// </summary>
public static class ResolvePatched
{
    /// <summary>Runs the pass.</summary>
    public static Outcome<IReadOnlyList<PatchedFunction>> Run(IReadOnlyList<LinkUnit> units)
    {
        var result = new List<PatchedFunction>();
        var problems = new List<Problem>();
        foreach (var unit in units)
        {
            foreach (var change in unit.Inclusion.Diff.Changed.Where(c => c.IsDiverted))
            {
                var places = change
                    .Before!.Symbols.Select(s => (s.Name, Place: unit.Placement.Find(s.Name)))
                    .Where(p => p.Place?.Position is not null)
                    .OrderBy(p => p.Place!.Position!.Value.Value)
                    .ToList();
                if (places.Count == 0)
                {
                    problems.Add(new(LinkProblems.UnplacedSymbol, $"{unit.Inclusion.Diff.Unit}: {change.Before.Name}"));
                    continue;
                }

                result.Add(
                    new(
                        change,
                        unit.Placement.Target,
                        new(unit.Placement.Target.ObjectName, places[0].Name, places[0].Place!.Position!.Value),
                        places[0].Place!.Address,
                        string.Create(CultureInfo.InvariantCulture, $"elivepatch_new_{result.Count}")
                    )
                );
            }
        }

        problems.AddRange(CheckLifts(units));
        return problems.Count > 0 ? Outcome<IReadOnlyList<PatchedFunction>>.Failure(problems) : result;
    }

    // A task that sleeps in an old function that it jumped to is taken over, and goes on in it with the new functions of the
    // livepatch. Where these are functions that differ in nothing but which function they lead to, that is what happens to every
    // caller that is not patched; any other may count on what the old one does not do.
    private static IEnumerable<Problem> CheckLifts(IReadOnlyList<LinkUnit> units)
    {
        List<(string Unit, FunctionChange Change)> changes =
        [
            .. units.SelectMany(u => u.Inclusion.Diff.Changed.Select(c => (u.Inclusion.Diff.Unit, c))),
        ];
        return from unseen in changes
            where !unseen.Change.IsSeenOnStacks
            let other = changes.Find(c => c != unseen && !c.Change.IsOnlyCaller).Change
            where other is not null
            select ProblemOf(unseen.Unit, unseen.Change, other);
    }

    private static Problem ProblemOf(string unit, FunctionChange unseen, FunctionChange other) =>
        new(
            DiffProblems.NotTraceable,
            $"{unit}: {unseen.Before!.Name} has no ftrace entry and is jumped to, so that a task that sleeps in it is not seen, and {other.Before!.Name} changes as well"
        )
        {
            CaseRemedy =
                $"If {unseen.Before.Name} can change without the others, make that a separate livepatch and load it beside them (--no-replace).",
        };
}
