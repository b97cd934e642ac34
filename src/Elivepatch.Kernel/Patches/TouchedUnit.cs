using Elivepatch.Kernel.Compile;

namespace Elivepatch.Kernel.Patches;

/// <summary>A unit whose code a patch may change.</summary>
/// <param name="Command">How it is compiled.</param>
/// <param name="Because">The changed files that make it so: its own path, or what it includes.</param>
public sealed record TouchedUnit(CompileCommand Command, IReadOnlyList<string> Because);
