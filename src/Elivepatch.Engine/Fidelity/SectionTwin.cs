using Elivepatch.Elf;

namespace Elivepatch.Engine.Fidelity;

/// <summary>Where the content of a section of the before object is in the as-built object.</summary>
/// <param name="Section">Section of the as-built object.</param>
/// <param name="Start">Offset there of the first byte, modulo 2^64.</param>
/// <param name="Shortened">The branches that are shorter there, in the order of their offsets; mostly none.</param>
internal sealed record SectionTwin(ElfSection Section, ulong Start, IReadOnlyList<ShortenedBranch> Shortened)
{
    /// <summary>The offset in the as-built section for an offset in the section of the before object.</summary>
    public ulong Map(ulong offset)
    {
        ulong saved = 0;
        foreach (ShortenedBranch branch in Shortened)
        {
            // An offset inside of the branch itself is that of its field, which goes with its beginning.
            saved += offset >= branch.Offset + branch.Length ? branch.Saved : 0;
        }

        return unchecked(Start + offset - saved);
    }
}

/// <summary>A branch that the assembler could make shorter in the as-built object, where its target lies in the same section.</summary>
/// <param name="Offset">Offset of the branch in the section of the before object in bytes.</param>
/// <param name="Length">Its length there in bytes.</param>
/// <param name="Saved">By how many bytes it is shorter in the as-built object.</param>
internal readonly record struct ShortenedBranch(ulong Offset, ulong Length, ulong Saved);
