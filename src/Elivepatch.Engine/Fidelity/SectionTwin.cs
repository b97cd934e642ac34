using Elivepatch.Elf;

namespace Elivepatch.Engine.Fidelity;

/// <summary>Where the content of a section of the before object is in the as-built object.</summary>
/// <param name="Section">Section of the as-built object.</param>
/// <param name="Start">Offset there of the first byte, modulo 2^64.</param>
/// <param name="Code">
/// How instructions lie there, where they lie at other distances; null where every byte does as in the before object.
/// </param>
internal sealed record SectionTwin(ElfSection Section, ulong Start, CodeAlignment? Code)
{
    /// <summary>The offset in the as-built section for an offset in the section of the before object.</summary>
    public ulong Map(ulong offset) => unchecked(Start + (Code?.Map(offset) ?? offset));
}
