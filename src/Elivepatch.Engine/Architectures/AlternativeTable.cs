namespace Elivepatch.Engine.Architectures;

/// <summary>
/// How <c>struct alt_instr</c> looks: the distances to the instruction and to its replacement come first, the lengths of both
/// somewhere behind them.
/// </summary>
internal abstract class AlternativeTable
{
    /// <summary>
    /// Lengths in bytes of the instruction and of its replacement; null for an entry of a size that no kernel has.
    /// </summary>
    public abstract (int Original, int Replacement)? LengthsOf(ReadOnlySpan<byte> entry);
}
