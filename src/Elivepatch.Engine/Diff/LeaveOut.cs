using Elivepatch.Engine.Statements;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Refuses changes of data that the running kernel has, unless the author states that the change may be left out. What would be
/// wrong whatever the author knows is refused in any case: new code would use memory that is not there, or jump into old code.
/// </summary>
internal static class LeaveOut
{
    private const string Never = "no statement lifts this: ";

    /// <summary>A changed initial value: left out, the running kernel's value stays.</summary>
    public static void Initialiser(
        Correlation correlation, Piece before, Piece after, Difference difference, UnitStatements statements, List<Problem> problems)
    {
        var name = NameOf(correlation.Before, before);
        var problem = new Problem(ProblemCodes.ChangedData, $"{correlation.After.Name}: {before.Name} {difference}");
        if (WhyNever(correlation, before, after) is { } why)
            statements.RefuseAlways(problems, problem with { CaseRemedy = Never + why }, StatementKind.LeaveOutInitialiser, name);
        else if (IsOnlyOne(correlation.Before, before, name))
            statements.Refuse(problems, problem, StatementKind.LeaveOutInitialiser, name);
        else
            problems.Add(problem);
    }

    /// <summary>A static local variable that is gone: the kernel's stays, and new code does not use it.</summary>
    public static void StaticLocal(Correlation correlation, Piece before, UnitStatements statements, List<Problem> problems)
    {
        var unit = correlation.Before.Name;
        var plain = SymbolNames.OfVariable(before.Name);
        var function = correlation.Before.DeclaringFunctionOf(before);
        var name = NameOf(correlation.Before, before);
        var problem = new Problem(ProblemCodes.RemovedStaticLocal, $"{unit}: {plain}{(function is null ? "" : $" of {function}()")}");
        if (function is null || !IsOnlyOne(correlation.Before, before, name))
        {
            problems.Add(problem);
        }
        else if (correlation.After.Debug.Unplaced.Contains((function, plain)))
        {
            // A variable that only the compiler removed has a state that the source still means: it may have folded the initial
            // value into the code, where the running kernel has another one by now.
            statements.RefuseAlways(
                problems,
                problem with
                {
                    CaseRemedy = $"{Never}{function}() still declares {plain}, and the compiler does without it: remove the declaration as "
                        + "well, or give an automatic variable another name",
                },
                StatementKind.StaticLocalMayGo, name);
        }
        else
        {
            statements.Refuse(problems, problem, StatementKind.StaticLocalMayGo, name);
        }
    }

    /// <summary>How statements name a variable: a static local with its function where that is known, as GDB writes it.</summary>
    public static string NameOf(UnitObject unit, Piece variable)
    {
        var plain = SymbolNames.OfVariable(variable.Name);
        return SymbolNames.IsStaticLocal(variable.Name) && unit.DeclaringFunctionOf(variable) is { } function ? $"{function}::{plain}" : plain;
    }

    private static string? WhyNever(Correlation correlation, Piece before, Piece after)
    {
        if (before.Size != after.Size)
            return $"the running kernel has {before.Size} bytes of it, and new code would use {after.Size}";
        if (before.IsConstant)
            return "it is constant, so that the compiler may have put the new value into the new code: then the two do not agree";
        return after.References.FirstOrDefault(r => r.Piece is { IsCode: true } && r.Displacement != 0) is { } inside
            ? $"it has addresses inside of {inside.TargetName}, and the running kernel's copy leads into the old code"
            : null;
    }

    // Each statement is about one thing: a name that several variables have says nothing.
    internal static bool IsOnlyOne(UnitObject unit, Piece variable, string name) =>
        !unit.Pieces.Exists(p => p != variable && p.Kind == PieceKind.Variable && NameOf(unit, p) == name);
}
