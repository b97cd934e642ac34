namespace Elivepatch.Kernel.Patches;

/// <summary>A run of lines that differs.</summary>
/// <param name="OldStart">First line before, from 0.</param>
/// <param name="OldCount">Lines before.</param>
/// <param name="NewStart">First line after, from 0.</param>
/// <param name="NewCount">Lines after.</param>
internal readonly record struct LineChange(int OldStart, int OldCount, int NewStart, int NewCount);
