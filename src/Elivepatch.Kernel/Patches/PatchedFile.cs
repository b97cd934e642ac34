namespace Elivepatch.Kernel.Patches;

/// <summary>A file that a patch changes.</summary>
/// <param name="Path">Its path in the source.</param>
/// <param name="Kind">What the patch does to it.</param>
/// <param name="Hunks">The changes, in order.</param>
public sealed record PatchedFile(string Path, PatchedFileKind Kind, IReadOnlyList<PatchHunk> Hunks);
