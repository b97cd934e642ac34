using System.Globalization;

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
            foreach (var change in unit.Inclusion.Diff.Changed)
            {
                var places = change.Before!.Symbols.Select(s => (s.Name, unit.Placement.Find(s.Name)?.Position)).Where(p => p.Position is not null)
                    .OrderBy(p => p.Position!.Value.Value).ToList();
                if (places.Count == 0)
                {
                    problems.Add(new(ProblemCodes.UnplacedSymbol, $"{unit.Inclusion.Diff.Unit}: {change.Before.Name}"));
                    continue;
                }

                result.Add(new(unit.Inclusion.Diff.Unit, change, new("vmlinux", places[0].Name, places[0].Position!.Value),
                    string.Create(CultureInfo.InvariantCulture, $"elivepatch_new_{result.Count}")));
            }
        }

        return problems.Count > 0 ? Outcome<IReadOnlyList<PatchedFunction>>.Failure(problems) : result;
    }
}
