using Elivepatch.Kernel.Import;
using Elivepatch.Model.Explanations;

namespace Elivepatch.Kernel.Build;

/// <summary>A finished livepatch.</summary>
/// <param name="Name">Name of the module.</param>
/// <param name="Module">The bytes of the <c>.ko</c>.</param>
/// <param name="Explanation">What is in it and why.</param>
/// <param name="Timings">Stages in order.</param>
/// <param name="Warnings">What the compiler said of the patched units that it did not say of the unpatched ones.</param>
public sealed record BuildResult(
    string Name,
    byte[] Module,
    Explanation Explanation,
    IReadOnlyList<StageTime> Timings,
    IReadOnlyList<string> Warnings
)
{
    /// <summary>Where the files of modules come from that it was built with.</summary>
    public required ModuleFiles ModuleFiles { get; init; }
}
