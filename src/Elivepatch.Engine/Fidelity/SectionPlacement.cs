using Elivepatch.Elf;

namespace Elivepatch.Engine.Fidelity;

/// <summary>Where one section of the as-built object lies in the running kernel.</summary>
/// <param name="Section">Section of the as-built object.</param>
/// <param name="Address">Address of its first byte in the running kernel; null with <see cref="PlacementProof.None"/>.</param>
/// <param name="Proof">How well that is proven.</param>
/// <param name="StaticBranches">Instructions that differ because the kernel build turned a static branch on or off.</param>
public sealed record SectionPlacement(ElfSection Section, ulong? Address, PlacementProof Proof, int StaticBranches);
