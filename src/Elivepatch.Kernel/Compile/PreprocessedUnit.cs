namespace Elivepatch.Kernel.Compile;

/// <summary>A unit after the preprocessor.</summary>
/// <param name="Files">The files that it was read from, by path in the tree.</param>
/// <param name="ReadText">Reads its text, without line markers: megabytes, which most units are not asked for.</param>
public sealed record PreprocessedUnit(HashSet<string> Files, Func<ReadOnlyMemory<byte>> ReadText);
