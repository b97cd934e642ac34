using Elivepatch.Elf;

namespace Elivepatch.Kernel.Build;

/// <summary>A unit without the patch.</summary>
/// <param name="Unit">Source file.</param>
/// <param name="AsBuilt">Compiled as the running kernel was.</param>
/// <param name="Before">One section per function and datum.</param>
/// <param name="Warnings">What the compiler said of the latter.</param>
internal sealed record UnpatchedUnit(string Unit, ElfObject AsBuilt, ElfObject Before, string Warnings);
