using Elivepatch.Elf;

namespace Elivepatch.Engine.Fidelity;

/// <summary>
/// Entries of sections whose equal entries the linker merges (SHF_MERGE): they have content and no place of their own.
/// </summary>
internal static class MergedEntries
{
    /// <summary>
    /// The entry that holds this offset, from there to its end: a string with its terminator, or what is left of a constant.
    /// Empty where the section has no such offset.
    /// </summary>
    public static ReadOnlySpan<byte> ReadEntry(ElfSection section, ulong offset)
    {
        if (offset >= (ulong)section.Content.Length)
        {
            return default;
        }

        ReadOnlySpan<byte> rest = section.Content.AsSpan((int)offset);
        var unit = (int)Math.Clamp(section.EntrySize, 1, (ulong)section.Content.Length);
        if (!section.Has(ElfSectionFlags.Strings))
        {
            return rest[..Math.Min(rest.Length, unit - ((int)offset % unit))];
        }

        var end = 0;
        while (end + unit <= rest.Length && rest.Slice(end, unit).ContainsAnyExcept((byte)0))
        {
            end += unit;
        }

        return rest[..Math.Min(rest.Length, end + unit)];
    }
}
