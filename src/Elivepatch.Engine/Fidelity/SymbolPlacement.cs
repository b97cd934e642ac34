using Elivepatch.Engine.Facts;

namespace Elivepatch.Engine.Fidelity;

/// <summary>Where one symbol of the as-built object lies in the running kernel.</summary>
/// <param name="Address">Address in the running kernel; for a per-cpu datum as kallsyms gives it.</param>
/// <param name="Position">Which of the symbols of this name it is; null where kallsyms does not list the symbol.</param>
/// <param name="Proof">How well the place of its section is proven.</param>
public sealed record SymbolPlacement(ulong Address, Sympos? Position, PlacementProof Proof);
