namespace Elivepatch.Elf.Dwarf;

/// <summary>
/// The first range of a function whose code lies in several places, such as one with a <c>.cold</c> part: the compiler puts the
/// part with the entry first. Before DWARF 5 .debug_ranges holds pairs of addresses (DWARF 4, section 2.17.3), since then
/// .debug_rnglists holds entries of several kinds (DWARF 5, section 2.17.3).
/// </summary>
internal sealed class RangeTables(ElfObject elf)
{
    private const byte OffsetPair = 0x04,
        BaseAddress = 0x05,
        StartEnd = 0x06,
        StartLength = 0x07;

    private readonly DwarfSection _ranges = DwarfSection.Find(elf, ".debug_ranges");
    private readonly DwarfSection _rangeLists = DwarfSection.Find(elf, ".debug_rnglists");

    public SectionLocation? FindFirst(in DebugEntry entry, DebugUnit unit)
    {
        if (entry.Ranges < 0)
        {
            return null;
        }

        if (unit.Version < 5)
        {
            return _ranges.LocationOf(_ranges.RelocationAt(entry.Ranges));
        }

        var cursor = _rangeLists.At(entry.Ranges);
        var kind = cursor.ReadByte();
        if (kind is not (BaseAddress or StartEnd or StartLength))
        {
            return null;
        }

        var start = _rangeLists.LocationOf(_rangeLists.RelocationAt(cursor.Offset));
        cursor.Skip(sizeof(ulong));
        return kind == BaseAddress && start is { } known && cursor.ReadByte() == OffsetPair
            ? known with
            {
                Offset = unchecked(known.Offset + cursor.ReadUnsigned()),
            }
            : start;
    }
}
