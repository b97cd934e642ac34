namespace Elivepatch.Engine.Diff;

/// <summary>The first thing that is different between two pieces.</summary>
/// <param name="Offset">Offset in the piece after the patch, in bytes.</param>
/// <param name="What">What differs, for people.</param>
public sealed record Difference(ulong Offset, string What)
{
    /// <inheritdoc/>
    public override string ToString() => $"+0x{Offset:x}: {What}";
}
