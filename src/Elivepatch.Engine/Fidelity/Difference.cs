using Elivepatch.Elf;

namespace Elivepatch.Engine.Fidelity;

/// <summary>One place where a section of the unit is not what runs.</summary>
/// <param name="Section">Section of the as-built object.</param>
/// <param name="Offset">Offset in the section in bytes.</param>
/// <param name="What">What differs, to stand behind the name of the function.</param>
internal readonly record struct Difference(ElfSection Section, ulong Offset, string What);
