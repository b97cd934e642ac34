using Elivepatch.Elf;

namespace Elivepatch.Kernel.Build;

/// <summary>A unit with the patch.</summary>
/// <param name="Unit">Source file.</param>
/// <param name="After">One section per function and datum.</param>
/// <param name="NewWarnings">What the compiler says of the patched source alone.</param>
internal sealed record PatchedUnit(string Unit, ElfObject After, IReadOnlyList<string> NewWarnings);
