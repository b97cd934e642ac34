namespace Elivepatch.Engine.Architectures;

/// <summary>What an indirect call or jump must land on, on a processor that checks it.</summary>
/// <param name="SealSection">
/// The section that lists functions whose entry loses its mark while the kernel starts; null where there is none.
/// </param>
/// <param name="SealSymbol">The symbol at its beginning, which a kernel without such checks does not have.</param>
/// <param name="Mark">The instruction that has to be there.</param>
internal sealed record IndirectCalls(string? SealSection, string? SealSymbol, ReadOnlyMemory<byte> Mark);
