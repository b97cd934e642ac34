namespace Elivepatch.Engine.Link;

/// <summary>A shift count that the livepatch writes into its own code before it is enabled.</summary>
/// <param name="CodeSymbol">Symbol of the glue that stands for the function.</param>
/// <param name="Offset">Where the count is, in bytes from that.</param>
/// <param name="ValueSymbol">Symbol of the glue that stands for the kernel's variable.</param>
/// <param name="ValueSize">Size of that in bytes: 1, 2, 4 or 8.</param>
public sealed record RuntimeShift(string CodeSymbol, ulong Offset, string ValueSymbol, ulong ValueSize);
