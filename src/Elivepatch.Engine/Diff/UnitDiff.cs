using Elivepatch.Engine.Units;
using Elivepatch.Model;
using Elivepatch.Model.Statements;

namespace Elivepatch.Engine.Diff;

/// <summary>One function that a livepatch must bring.</summary>
/// <param name="After">The function after the patch.</param>
/// <param name="Before">Its twin before the patch; null for a new function.</param>
/// <param name="Difference">The first difference; null for a new function and for one that is only there on request.</param>
public sealed record FunctionChange(Piece After, Piece? Before, Difference? Difference)
{
    /// <summary>True for a function that is the same and in the livepatch because somebody asked for it.</summary>
    public bool IsOnRequest => Before is not null && Difference is null;

    /// <summary>
    /// True for a function that calls to it are diverted to; false for one that has no ftrace entry, which its callers bring with
    /// them.
    /// </summary>
    public bool IsDiverted { get; init; } = true;

    /// <summary>For a function that is only here because it calls one that is not diverted: that one; else null.</summary>
    public Piece? LiftedFrom { get; init; }

    /// <summary>True for a function that differs in nothing but what it calls.</summary>
    public bool IsOnlyCaller => LiftedFrom is not null;

    /// <summary>
    /// True where the kernel sees a task that sleeps in the old function: by its own address, or by the return address of a
    /// diverted one.
    /// </summary>
    public bool IsSeenOnStacks { get; init; } = true;
}

/// <summary>What the patch does to one unit.</summary>
/// <param name="Correlation">Pairs of pieces.</param>
/// <param name="Comparer">The comparison that found the changes.</param>
/// <param name="Changed">Changed functions, in object order.</param>
/// <param name="NewFunctions">Functions that only the patched unit has, used or not.</param>
/// <param name="RemovedFunctions">Functions that only the unpatched unit has.</param>
/// <param name="NewVariables">Variables that only the patched unit has.</param>
/// <param name="Problems">Why no livepatch can be made of it; empty where one can.</param>
public sealed record UnitDiff(
    Correlation Correlation,
    PieceComparer Comparer,
    IReadOnlyList<FunctionChange> Changed,
    IReadOnlyList<FunctionChange> NewFunctions,
    IReadOnlyList<Piece> RemovedFunctions,
    IReadOnlyList<Piece> NewVariables,
    IReadOnlyList<Problem> Problems
)
{
    /// <summary>What the author states of the unit, and which of it was used.</summary>
    public required UnitStatements Statements { get; init; }

    /// <summary>What of the patch has no effect in a livepatch and is not in it, in words.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>Functions that differ in the numbers of source lines alone; empty where lines were numbered alike.</summary>
    public IReadOnlyList<Piece> OnlyLinesMoved { get; init; } = [];

    /// <summary>Source file of the unit.</summary>
    public string Unit => Correlation.After.Name;

    /// <summary>True where the patch changes nothing that runs.</summary>
    public bool IsEmpty => Changed.Count == 0 && !NewFunctions.Any(f => f.After.IsGlobal) && Problems.Count == 0;
}
