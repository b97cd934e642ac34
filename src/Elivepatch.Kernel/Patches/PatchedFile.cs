namespace Elivepatch.Kernel.Patches;

/// <summary>A file that a patch changes.</summary>
/// <param name="Path">Its path in the source.</param>
/// <param name="IsNew">The patch creates it.</param>
/// <param name="Hunks">The changes, in order.</param>
public sealed record PatchedFile(string Path, bool IsNew, IReadOnlyList<PatchHunk> Hunks);
