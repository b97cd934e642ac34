using Elivepatch.Kernel.Compile;

namespace Elivepatch.Kernel.Patches;

/// <summary>A unit whose code a patch may change.</summary>
/// <param name="Command">How it is compiled.</param>
/// <param name="Because">The changed files that make it so: its own path, or what it includes.</param>
public sealed record TouchedUnit(CompileCommand Command, IReadOnlyList<string> Because)
{
    /// <summary>True where the unit's own file is changed, false where it only sees changed ones.</summary>
    public bool IsEdited => Because.Contains(Command.Unit);
}
