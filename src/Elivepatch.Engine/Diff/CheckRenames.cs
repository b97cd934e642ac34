using Elivepatch.Elf.Dwarf;
using Elivepatch.Model;
using Elivepatch.Model.Statements;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Refuses a patch that gives objects of the running kernel to code that knows them by another type: a struct under a new name
/// and of a new layout, a typedef that leads elsewhere. A mere rename is none. In: the debug information of both units. Where
/// pointers lose their type (<c>private_data</c>) nothing tells what they lead to but the variables that they are put into, and
/// that a type of the unit itself goes and another one comes.
/// </summary>
internal sealed class CheckRenames(Correlation correlation, StorageTypes types, UnitStatements statements, List<Problem> problems)
{
    private readonly HashSet<string> reported = [];

    private DebugInfo Old => correlation.Before.Debug;

    private DebugInfo Now => correlation.After.Debug;

    public void Run()
    {
        CheckPointers();
        CheckReplaced();
        CheckDeclared();
    }

    // A variable of one function that pointed to one type and now points to another, where one of the two is not on both sides.
    private void CheckPointers()
    {
        foreach (var (key, olds) in Old.Pointers)
        {
            if (!Now.Pointers.TryGetValue(key, out var nows))
            {
                continue;
            }

            foreach (var (old, now) in olds.Except(nows).SelectMany(_ => nows.Except(olds), (o, n) => (o, n)))
            {
                if (StorageTypes.PairNames(old, now) is { } pairs)
                {
                    CheckPointer(pairs, $"{key.Variable} of {key.Function}() points to it");
                }
                else if (StorageTypes.NamesIn(old).Select(types.LayoutBefore).FirstOrDefault(IsGone) is { } gone)
                {
                    Refuse(
                        DiffProblems.ChangedLayout,
                        $"{gone.Spelling} goes, and {key.Variable} of {key.Function}() points to {now} instead",
                        gone.Spelling
                    );
                }
            }
        }
    }

    private bool IsGone(StructLayout? before) => before is not null && types.LayoutAfter(before.StorageName) is null;

    private void CheckPointer(IReadOnlyList<(string Old, string Now)> pairs, string why)
    {
        foreach (var (old, now) in pairs)
        {
            if (
                types.LayoutBefore(old) is { } before
                && types.LayoutAfter(now) is { } after
                && (IsGone(before) || types.LayoutBefore(now) is null)
            )
            {
                Compare(before, after, why);
            }
        }
    }

    // A type of the unit's own that nothing uses any more, beside one that nothing used before: who had objects of the one has
    // objects of the other.
    private void CheckReplaced()
    {
        static bool IsAggregate(StructLayout layout) => layout.Kind != LayoutKind.Enum;

        var fresh = Now
            .Layouts.Where(l =>
                IsAggregate(l)
                && (l.Scope is null || IsOwn(l))
                && types.LayoutBefore(l.StorageName) is null
                && !Old.Layouts.Any(o => o.StorageName == l.StorageName && o.Scope == l.Scope)
            )
            .ToList();
        if (fresh.Count == 0)
        {
            return;
        }

        foreach (var gone in Old.Layouts.Where(l => IsAggregate(l) && l.Scope is null && IsOwn(l) && IsGone(l)))
        {
            if (!fresh.Exists(f => f.Scope is null && types.HaveSameLayout(gone.StorageName, f.StorageName)))
            {
                Compare(gone, fresh.Find(IsOwn) ?? fresh[0], "no other type of the unit is new and has its layout");
            }
        }
    }

    private static bool IsOwn(StructLayout layout) => layout.Declared.File?.EndsWith(".h", StringComparison.Ordinal) == false;

    private void CheckDeclared()
    {
        var defined = Now.Variables.Where(v => v.Owner is null).Select(v => v.Name).ToHashSet();
        foreach (var (name, old) in Old.Declared)
        {
            if (
                old.Length == 0
                || defined.Contains(name)
                || !Now.Declared.TryGetValue(name, out var now)
                || now.Length == 0
                || types.AreSame(old, now)
            )
            {
                continue;
            }

            var isTypedef = name.StartsWith("typedef ", StringComparison.Ordinal);
            Refuse(
                isTypedef ? DiffProblems.ChangedLayout : DiffProblems.ChangedVariableType,
                $"{name} was {old}, now it is {now}",
                name.Replace("typedef ", "", StringComparison.Ordinal)
            );
        }
    }

    private void Compare(StructLayout before, StructLayout after, string why)
    {
        if (after.Scope is null && types.HaveSameLayout(before.StorageName, after.StorageName))
        {
            return;
        }

        var difference = after.DifferenceFrom(before) ?? "what it points to differs";
        Refuse(DiffProblems.ChangedLayout, $"{before.Spelling} becomes {after.Spelling}: {difference} ({why})", before.Spelling);
    }

    private void Refuse(ProblemCode code, string what, string name)
    {
        if (reported.Add(name))
        {
            statements.AddUnlessLifted(
                problems,
                new(code, $"{correlation.After.Name}: {what}"),
                StatementKind.LayoutIsSafe,
                name
            );
        }
    }
}
