using System.Text;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// Reads structures in the data of a relocatable file: a pointer there is a relocation of that type, and everything else
/// is bytes. No read leaves its section.
/// </summary>
internal sealed class DataFields
{
    /// <summary>Longest text that is read; names that the kernel accepts are shorter.</summary>
    public const int LongestText = 1024;

    private readonly Dictionary<ElfSection, Dictionary<ulong, ElfRelocation>> pointers = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<ElfSection, ulong[]> offsets = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Place, ElfSymbol> symbols = [];
    private readonly Lazy<Dictionary<ElfSection, ulong[]>> targets;
    private readonly ElfByteOrder order;

    public DataFields(Architecture architecture, ElfObject elf)
    {
        order = architecture.Order;
        targets = new(FindTargets);
        foreach (var section in elf.RelocationSections.Where(s => !s.Target.Has(ElfSectionFlags.Execute)))
        {
            if (!pointers.TryGetValue(section.Target, out var fields))
            {
                pointers[section.Target] = fields = [];
            }

            foreach (var relocation in section.Entries.Where(r => r.Type == architecture.Pointer.Number))
            {
                fields.TryAdd(relocation.Offset, relocation);
            }
        }

        // Of several symbols at one place the one with the largest size says most; functions and objects only.
        foreach (var symbol in elf.Symbols.Where(s => s is { IsDefined: true, IsSectionSymbol: false, Name.Length: > 0 }))
        {
            var place = new Place(symbol.Section!, symbol.Value);
            if (!symbols.TryGetValue(place, out var known) || symbol.Size > known.Size)
            {
                symbols[place] = symbol;
            }
        }
    }

    /// <summary>A place in the file.</summary>
    public readonly record struct Place(ElfSection Section, ulong Offset)
    {
        /// <summary>The place this many bytes behind; the offset may be anything, reads check it.</summary>
        public static Place operator +(Place place, ulong bytes) => place with { Offset = unchecked(place.Offset + bytes) };
    }

    /// <summary>The relocation of the pointer at this place, or null where it is no relocated pointer.</summary>
    public ElfRelocation? RelocationAt(Place field) =>
        pointers.TryGetValue(field.Section, out var fields) ? fields.GetValueOrDefault(field.Offset) : null;

    /// <summary>Where the pointer at this place leads in this file, or null.</summary>
    public Place? Follow(Place field) =>
        RelocationAt(field) is { } relocation ? TargetOf(relocation.Symbol, relocation.Addend) : null;

    /// <summary>Where a symbol plus addend lies in this file, or null.</summary>
    public static Place? TargetOf(ElfSymbol? symbol, long addend)
    {
        if (symbol is not { IsDefined: true, Section: { } section })
        {
            return null;
        }

        var offset = unchecked(symbol.Value + (ulong)addend);
        return offset <= section.Size ? new(section, offset) : null;
    }

    /// <summary>The named symbol of the largest size that begins exactly here, or null.</summary>
    public ElfSymbol? SymbolAt(Place place) => symbols.GetValueOrDefault(place);

    /// <summary>Offsets of the relocated pointers of a section, in order.</summary>
    public ReadOnlySpan<ulong> PointersOf(ElfSection section)
    {
        if (!offsets.TryGetValue(section, out var sorted))
        {
            offsets[section] = sorted = pointers.TryGetValue(section, out var fields) ? [.. fields.Keys.Order()] : [];
        }

        return sorted;
    }

    /// <summary>
    /// The next place in this section that a pointer in data leads to, or the end of the section: an array to whose inside
    /// nothing points goes no further.
    /// </summary>
    public ulong NextTarget(Place place)
    {
        if (!targets.Value.TryGetValue(place.Section, out var sorted))
        {
            return place.Section.Size;
        }

        var index = Array.BinarySearch(sorted, place.Offset);
        index = index < 0 ? ~index : index + 1;
        return index < sorted.Length ? sorted[index] : place.Section.Size;
    }

    private Dictionary<ElfSection, ulong[]> FindTargets() =>
        pointers
            .Values.SelectMany(fields => fields.Values)
            .Select(r => TargetOf(r.Symbol, r.Addend))
            .OfType<Place>()
            .Distinct()
            .GroupBy(p => p.Section, p => p.Offset)
            .ToDictionary(g => g.Key, g => g.Order().ToArray());

    /// <summary>
    /// All places of relocated pointers whose target <paramref name="accepts"/> holds for, in file order of sections.
    /// </summary>
    public IEnumerable<Place> PointersTo(Func<ElfRelocation, bool> accepts) =>
        pointers.SelectMany(p => p.Value.Where(f => accepts(f.Value)).Select(f => new Place(p.Key, f.Key)));

    /// <summary>The 64-bit number at this place as the file has it; 0 in a section without bytes and outside of it.</summary>
    public ulong ReadNumber(Place field) =>
        field.Offset <= (ulong)field.Section.Content.Length && (ulong)field.Section.Content.Length - field.Offset >= sizeof(ulong)
            ? order.ReadUInt64(field.Section.Content.AsSpan((int)field.Offset))
            : 0;

    /// <summary>The byte at this place; 0 outside.</summary>
    public static byte ReadByte(Place field) =>
        field.Offset < (ulong)field.Section.Content.Length ? field.Section.Content[(int)field.Offset] : (byte)0;

    /// <summary>
    /// The zero-terminated text at this place; null where it has no end or is longer than <see cref="LongestText"/>.
    /// </summary>
    public static string? ReadText(Place place)
    {
        if (place.Offset >= (ulong)place.Section.Content.Length)
        {
            return null;
        }

        var bytes = place.Section.Content.AsSpan((int)place.Offset);
        var length = bytes[..Math.Min(bytes.Length, LongestText + 1)].IndexOf((byte)0);
        return length < 0 ? null : Encoding.Latin1.GetString(bytes[..length]);
    }
}
