using Elivepatch.Engine.Diff;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model.Statements;

namespace Elivepatch.Kernel.Build;

/// <summary>What to build.</summary>
/// <param name="Kernel">The kernel that runs.</param>
/// <param name="Patches">Paths of the patches to make live, in order.</param>
/// <param name="BasePatches">
/// Paths of further patches that the running kernel was built with, in order, after the record's own.
/// </param>
/// <param name="Name">Name of the module; if null, made from the name of the first patch.</param>
/// <param name="Replace">True for a cumulative livepatch that replaces all others atomically.</param>
/// <param name="KeepFolder">Where to leave intermediate files, or null.</param>
public sealed record BuildRequest(
    KernelRecord Kernel,
    IReadOnlyList<string> Patches,
    IReadOnlyList<string> BasePatches,
    string? Name,
    bool Replace,
    string? KeepFolder
)
{
    /// <summary>How many units may include what the patches change, where nobody says otherwise.</summary>
    public const int UsualMostUnits = 400;

    /// <summary>
    /// The source that the patches are for and that their units are compiled from, where that is a module's which is built
    /// outside of the kernel's tree; null for the kernel's own.
    /// </summary>
    public ModuleSource? ModuleSource { get; init; }

    /// <summary>Paths of modules' files, as they are installed, that are used before those of the kernel's record.</summary>
    public IReadOnlyList<string> ModuleFiles { get; init; } = [];

    /// <summary>How many units may include what the patches change: each is compared.</summary>
    public int MostUnits { get; init; } = UsualMostUnits;

    /// <summary>Functions to include by unit although no patch changes them. With some, there may be no patches.</summary>
    public IReadOnlyDictionary<string, FunctionSelection> AlsoFunctions { get; init; } =
        new Dictionary<string, FunctionSelection>();

    /// <summary>What the author of the patches states: each lifts one refusal, and each has to be needed.</summary>
    public AuthorStatements Statements { get; init; } = AuthorStatements.None;
}
