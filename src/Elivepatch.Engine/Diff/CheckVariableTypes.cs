using Elivepatch.Elf.Dwarf;
using Elivepatch.Engine.Units;
using Elivepatch.Model;
using Elivepatch.Model.Statements;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Refuses another type for a variable that exists: what the running kernel has put there would be read as something else. In:
/// the debug information of both units. Numbers of one size are different types where one has a sign: their bits mean the same
/// only as long as nobody has stored a negative one, which an author may know. What is constant has the same bytes in the new
/// code, and so means the same unless its new value is left out.
/// </summary>
internal sealed class CheckVariableTypes(
    Correlation correlation,
    StorageTypes types,
    UnitStatements statements,
    List<Problem> problems
)
{
    private readonly ILookup<SectionLocation, DebugVariable> variablesBefore = correlation.Before.Debug.Variables.ToLookup(v =>
        v.Location
    );
    private readonly ILookup<SectionLocation, DebugVariable> variablesAfter = correlation.After.Debug.Variables.ToLookup(v =>
        v.Location
    );

    public void Check(Piece before, Piece after)
    {
        if (
            correlation.IsAmbiguous(after)
            || variablesBefore[PlaceOf(before)].FirstOrDefault() is not { } old
            || variablesAfter[PlaceOf(after)].FirstOrDefault() is not { } now
            || Difference(old, now) is not var (code, what)
        )
        {
            return;
        }

        var name = LeaveOut.NameOf(correlation.Before, before);
        var problem = new Problem(code, $"{correlation.After.Name}: {name}{what}");
        if (LeaveOut.IsOnlyOne(correlation.Before, before, name))
        {
            statements.AddUnlessLifted(problems, problem, StatementKind.LayoutIsSafe, name);
        }
        else
        {
            problems.Add(problem);
        }
    }

    private static SectionLocation PlaceOf(Piece piece) => new(piece.Section, piece.Anchor);

    private (ProblemCode Code, string What)? Difference(DebugVariable old, DebugVariable now)
    {
        if (!types.AreSame(old.Storage, now.Storage))
        {
            return old.Unnamed is { } was && now.Unnamed?.DifferenceFrom(was) is { } difference
                ? (DiffProblems.ChangedLayout, $": {difference}")
                : (DiffProblems.ChangedVariableType, $" was of type {old.Type}, now of {now.Type}");
        }

        return OfOwner(old, now) is { } inside ? (DiffProblems.ChangedLayout, $": {inside}") : null;
    }

    // Types inside of a function that the variable holds or points to.
    private string? OfOwner(DebugVariable old, DebugVariable now)
    {
        if (old.Owner is null || now.Owner is null)
        {
            return null;
        }

        var (seen, open) = (new HashSet<string>(), new Queue<string>(StorageTypes.NamesIn(old.Storage)));
        while (open.TryDequeue(out var name))
        {
            if (
                !seen.Add(name)
                || Find(correlation.Before, old.Owner.Name, name) is not { } before
                || Find(correlation.After, now.Owner.Name, name) is not { } after
            )
            {
                continue;
            }

            if (after.DifferenceFrom(before) is { } difference && CheckLayouts.IsUnsafe(before, after))
            {
                return $"{before.Spelling}: {difference}";
            }

            foreach (var inner in before.Members.SelectMany(m => StorageTypes.NamesIn(m.Type)))
            {
                open.Enqueue(inner);
            }
        }

        return null;
    }

    private static StructLayout? Find(UnitObject unit, string owner, string name) =>
        unit.Debug.Layouts.FirstOrDefault(l => l.Scope == owner && l.StorageName == name);
}
