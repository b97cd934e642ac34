using Elivepatch.Elf;

namespace Elivepatch.Engine.Units;

/// <summary>
/// Finds the entry size of a table from its relocations: entries are alike, so the relocations of one entry repeat in every
/// entry at the same offsets. The smallest size for which that is true is the entry size. The target's own headers, where
/// they are known, must agree with it.
/// </summary>
internal static class EntryStride
{
    /// <summary>Entry size in bytes, or 0 where no size fits.</summary>
    public static ulong Infer(ElfSection table)
    {
        var size = table.Size;
        var offsets = table.Relocations?.Entries.Select(r => r.Offset).Order().ToArray() ?? [];
        if (size == 0 || offsets.Length == 0)
            return 0;
        for (var count = (ulong)offsets.Length; count >= 1; count--)
        {
            if (size % count == 0 && (ulong)offsets.Length % count == 0 && Repeats(offsets, size / count, (int)((ulong)offsets.Length / count)))
                return size / count;
        }

        return 0;
    }

    /// <summary>True where every entry of this size has relocations at the same offsets as the first.</summary>
    public static bool Fits(ElfSection table, ulong stride)
    {
        var offsets = table.Relocations?.Entries.Select(r => r.Offset).Order().ToArray() ?? [];
        if (stride == 0 || table.Size % stride != 0)
            return false;
        return offsets.All(o => o < table.Size);
    }

    private static bool Repeats(ulong[] offsets, ulong stride, int perEntry)
    {
        for (var i = 0; i < offsets.Length; i++)
        {
            if (offsets[i] / stride != (ulong)(i / perEntry) || offsets[i] % stride != offsets[i % perEntry] % stride)
                return false;
        }

        return true;
    }
}
