namespace Elivepatch.Engine.Explain;

/// <summary>Lines of an unpatched source file that the patch removes, replaces or inserts next to.</summary>
/// <param name="File">Path in the source tree.</param>
/// <param name="First">First line, from 1.</param>
/// <param name="Last">Last line, inclusive.</param>
public readonly record struct EditedLines(string File, int First, int Last);
