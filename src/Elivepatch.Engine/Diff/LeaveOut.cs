using Elivepatch.Engine.Units;
using Elivepatch.Model;
using Elivepatch.Model.Statements;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Refuses changes of data that the running kernel has, unless the author states that the change may be left out. What would be
/// wrong whatever the author knows is refused in any case: new code would use memory that is not there, or jump into old code.
/// </summary>
internal static class LeaveOut
{
    private const string Never = "No statement lifts this: ";

    /// <summary>A changed initial value: left out, the running kernel's value stays.</summary>
    public static void CheckInitialiser(
        Correlation correlation,
        Piece before,
        Piece after,
        Difference difference,
        UnitStatements statements,
        List<Problem> problems
    )
    {
        var name = NameOf(correlation.Before, before);
        var problem = new Problem(DiffProblems.ChangedData, $"{correlation.After.Name}: {before.Name} {difference}");
        if (FindObstacle(correlation, before, after) is { } why)
        {
            statements.AddUnliftable(
                problems,
                problem with
                {
                    CaseRemedy = Never + why,
                },
                StatementKind.LeaveOutInitialiser,
                name
            );
        }
        else if (IsOnlyOne(correlation.Before, before, name))
        {
            statements.AddUnlessLifted(problems, problem, StatementKind.LeaveOutInitialiser, name);
        }
        else
        {
            problems.Add(problem);
        }
    }

    /// <summary>
    /// A static local variable that is gone: the kernel's stays, and new code does not use it. Where the patch itself removes the
    /// declaration, and there is no new variable that could go on with its state, that is what the patch says, in words the
    /// result.
    /// </summary>
    public static string? CheckStaticLocal(
        Correlation correlation,
        Piece before,
        UnitStatements statements,
        List<Problem> problems
    )
    {
        var unit = correlation.Before.Name;
        var plain = SymbolNames.OfVariable(before.Name);
        var function = correlation.Before.DeclaringFunctionOf(before);
        var name = NameOf(correlation.Before, before);
        var problem = new Problem(
            DiffProblems.RemovedStaticLocal,
            $"{unit}: {plain}{(function is null ? "" : $" of {function}()")}"
        );
        if (function is null || !IsOnlyOne(correlation.Before, before, name))
        {
            problems.Add(problem);
        }
        else if (correlation.After.Debug.Unplaced.Contains((function, plain)))
        {
            // A variable that only the compiler removed has a state that the source still means: it may have folded the initial
            // value into the code, where the running kernel has another one by now.
            statements.AddUnliftable(
                problems,
                problem with
                {
                    CaseRemedy =
                        $"{Never}{function}() still declares {plain}, but the compiler removed it: remove the declaration as "
                        + "well, or give an automatic variable another name.",
                },
                StatementKind.StaticLocalMayGo,
                name
            );
        }
        else if (
            correlation.Before.DeclarationOf(before) is { } place
            && correlation.Lines is { AddsVariables: false } lines
            && lines.IsChanged(place)
            && !HasNewState(correlation)
        )
        {
            // Whoever states it says the same.
            _ = statements.TryUse(StatementKind.StaticLocalMayGo, name);
            return $"the removal of {name}: the running kernel keeps it, for old code only";
        }
        else
        {
            statements.AddUnlessLifted(problems, problem, StatementKind.StaticLocalMayGo, name);
        }

        return null;
    }

    // The state of a variable that only got another name would be lost.
    private static bool HasNewState(Correlation correlation) =>
        correlation.After.Pieces.Exists(p =>
            p is { Kind: PieceKind.Variable, IsThrowaway: false, IsConstant: false } && correlation.BeforeOf(p) is null
        );

    /// <summary>How statements name a variable: a static local with its function where that is known, as GDB writes it.</summary>
    public static string NameOf(UnitObject unit, Piece variable)
    {
        var plain = SymbolNames.OfVariable(variable.Name);
        return SymbolNames.IsStaticLocal(variable.Name) && unit.DeclaringFunctionOf(variable) is { } function
            ? $"{function}::{plain}"
            : plain;
    }

    private static string? FindObstacle(Correlation correlation, Piece before, Piece after)
    {
        if (before.Size != after.Size && UserOf(correlation, after) is { } user)
        {
            return $"the running kernel has {before.Size} bytes of it, and {user} would use {after.Size}: give the new content a name of its own, and "
                + "let the new code use that.";
        }

        if (before.IsConstant)
        {
            return "it is constant, so the compiler may have put the new value into the new code, and the two would disagree. Give the new content a "
                + "name of its own, and let the new code use that; whatever holds the address of the old one keeps using it.";
        }

        return after.References.FirstOrDefault(r => r.Piece is { IsCode: true } && r.Displacement != 0) is { } inside
            ? $"it has addresses inside {inside.TargetName}, and the running kernel's copy leads into the old code."
            : null;
    }

    // Who may go by the new size. Start code is gone; of a global anybody may, and of one whose address lies in data whoever
    // reads that.
    private static string? UserOf(Correlation correlation, Piece after)
    {
        if (after.IsGlobal)
        {
            return "any user of it";
        }

        return correlation
            .After.Pieces.Concat(correlation.After.UnnamedData)
            .FirstOrDefault(p =>
                correlation.After.RoleOf(p.Section) != SectionRole.Init
                && p.References.Concat(p.Entries.SelectMany(e => e.References)).Any(r => r.Piece == after)
            )
            ?.Name;
    }

    // Each statement is about one thing: a name that several variables have says nothing.
    internal static bool IsOnlyOne(UnitObject unit, Piece variable, string name) =>
        !unit.Pieces.Exists(p => p != variable && p.Kind == PieceKind.Variable && NameOf(unit, p) == name);
}
