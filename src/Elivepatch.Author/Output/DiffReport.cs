using Elivepatch.Engine.Diff;
using Elivepatch.Model;
using Elivepatch.Protocol;

namespace Elivepatch.Author.Output;

/// <summary>A function that differs.</summary>
/// <param name="Name">Symbol name after the patch.</param>
/// <param name="Difference">The first difference.</param>
internal sealed record ChangedFunction(string Name, string Difference);

/// <summary>A function that only the patched unit has.</summary>
/// <param name="Name">Symbol name.</param>
/// <param name="IsGlobal">True where other units can refer to it.</param>
/// <param name="IsUsed">True where a livepatch brings it; null where that was not found out.</param>
internal sealed record NewFunction(string Name, bool IsGlobal, bool? IsUsed);

/// <summary>Data that only the patched unit has.</summary>
/// <param name="Name">Symbol name.</param>
/// <param name="Section">Section that holds it.</param>
/// <param name="Size">Size in bytes.</param>
/// <param name="IsUsed">True where a livepatch brings it; null where that was not found out.</param>
internal sealed record NewData(string Name, string Section, ulong Size, bool? IsUsed);

/// <summary>What changed between two objects of one unit.</summary>
/// <param name="Unit">The unit.</param>
/// <param name="Changed">Functions that differ.</param>
/// <param name="NewFunctions">Functions that only the patched unit has.</param>
/// <param name="RemovedFunctions">Functions that only the unpatched unit has.</param>
/// <param name="NewData">Data that only the patched unit has.</param>
/// <param name="LineNumbersOnly">Functions that differ in the numbers of source lines alone, which counts as no change.</param>
/// <param name="Refused">Why no livepatch can be made of it; empty where one can.</param>
internal sealed record DiffReport(
    string Unit,
    IReadOnlyList<ChangedFunction> Changed,
    IReadOnlyList<NewFunction> NewFunctions,
    IReadOnlyList<string> RemovedFunctions,
    IReadOnlyList<NewData> NewData,
    IReadOnlyList<string> LineNumbersOnly,
    IReadOnlyList<ProblemReport> Refused
)
{
    /// <summary>Gathers the report from what the engine found.</summary>
    public static DiffReport Of(UnitDiff diff, Inclusion? inclusion, IReadOnlyList<Problem> problems) =>
        new(
            diff.Unit,
            [.. diff.Changed.Select(c => new ChangedFunction(c.After.Name, c.Difference?.ToString() ?? ""))],
            [.. diff.NewFunctions.Select(c => new NewFunction(c.After.Name, c.After.IsGlobal, inclusion?.Contains(c.After)))],
            [.. diff.RemovedFunctions.Select(p => p.Name)],
            [.. diff.NewVariables.Select(p => new NewData(p.Name, p.Section.Name, p.Size, inclusion?.Contains(p)))],
            [.. diff.OnlyLinesMoved.Select(p => p.Name)],
            ProblemReport.Of(problems)
        );
}
