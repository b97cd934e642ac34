namespace Elivepatch.Elf.Dwarf;

/// <summary>From an instance to what it is an instance of.</summary>
internal static class EntryOrigin
{
    private const int LongestChain = 16;

    /// <summary>The entry with the name: at the end of DW_AT_abstract_origin and DW_AT_specification.</summary>
    public static int Follow(DebugEntries entries, int number)
    {
        for (var i = 0; i < LongestChain; i++)
        {
            ref readonly var entry = ref entries.All[number];
            var next = entry.AbstractOrigin >= 0 ? entry.AbstractOrigin : entry.Specification;
            if (next < 0)
            {
                return number;
            }

            number = entries.NumberOf(next);
        }
        throw TooLong(entries, number);
    }

    /// <summary>The abstract instance: at the end of DW_AT_abstract_origin alone.</summary>
    public static int FollowAbstract(DebugEntries entries, int number)
    {
        for (var i = 0; i < LongestChain; i++)
        {
            var next = entries.All[number].AbstractOrigin;
            if (next < 0)
            {
                return number;
            }

            number = entries.NumberOf(next);
        }
        throw TooLong(entries, number);
    }

    private static ElfFormatException TooLong(DebugEntries entries, int number) =>
        new($".debug_info at offset 0x{entries.All[number].Offset:x}: an entry that is an instance of itself");
}
