using System.Text.RegularExpressions;
using Elivepatch.Elf;

namespace Elivepatch.Engine.Units;

/// <summary>
/// One list of BTF ids as the macros of <c>include/linux/btf_ids.h</c> write it: words of 4 bytes in <c>.BTF_ids</c>. The word of
/// an id is zero; the symbol <c>__BTF_ID__KIND__NAME__NUMBER</c> at it says which id the kernel's build is to put there
/// (<c>tools/bpf/resolve_btfids</c>). The number is a counter and the source line: it only makes the symbol unique. Other words
/// are what they are: the flags of a set and of its members, an entry that is left free. A set begins with the symbol
/// <c>__BTF_ID__set__NAME</c> or <c>__BTF_ID__set8__NAME</c> at the word that becomes its count.
/// </summary>
/// <param name="Name">Name of the variable that the list is in C.</param>
/// <param name="Section">Section that holds it.</param>
/// <param name="Start">Offset of its first byte in the section.</param>
/// <param name="End">Offset of the first byte behind it.</param>
/// <param name="Symbols">The symbols that name the list as a whole, its own first.</param>
/// <param name="Words">Each word: <c>KIND NAME</c> of an id or of a set's count, else the number that it is.</param>
public sealed partial record BtfIdList(
    string Name,
    ElfSection Section,
    ulong Start,
    ulong End,
    IReadOnlyList<ElfSymbol> Symbols,
    IReadOnlyList<string> Words
)
{
    private const string IdPrefix = "__BTF_ID__";
    private const int WordSize = sizeof(uint);

    /// <summary>True where this offset of the section is in the list.</summary>
    public bool Contains(ulong offset) => offset >= Start && offset < End;

    /// <summary>Reads the lists of one section, in the order of their offsets.</summary>
    public static IEnumerable<BtfIdList> Read(ElfByteOrder order, ElfSection section, IEnumerable<ElfSymbol> symbols)
    {
        var inside = symbols.Where(s => s.Section == section && s.IsDefined && !s.IsSectionSymbol && s.Name.Length > 0).ToList();
        var ids = inside.Where(s => s.Name.StartsWith(IdPrefix, StringComparison.Ordinal)).ToLookup(s => s.Value);
        var heads = inside
            .Where(s => !s.Name.StartsWith(IdPrefix, StringComparison.Ordinal) && s.Value < section.Size)
            .GroupBy(s => s.Value)
            .OrderBy(g => g.Key)
            .ToList();
        for (var i = 0; i < heads.Count; i++)
        {
            var (start, end) = (heads[i].Key, i + 1 < heads.Count ? heads[i + 1].Key : section.Size);
            yield return new(
                heads[i].First().Name,
                section,
                start,
                end,
                [.. heads[i], .. ids[start].Where(IsSet)],
                [.. WordsOf(order, section, start, end, ids)]
            );
        }
    }

    /// <summary>The id that a symbol stands for, <c>KIND NAME</c>, without its number; null for another symbol.</summary>
    public static string? IdOf(string symbol) =>
        (Id().Match(symbol), Set().Match(symbol)) switch
        {
            ({ Success: true } id, _) => $"{id.Groups["kind"].Value} {id.Groups["name"].Value}",
            (_, { Success: true } set) => $"{set.Groups["kind"].Value} {set.Groups["name"].Value}",
            _ => null,
        };

    /// <summary>True for the symbol at a set's count.</summary>
    public static bool IsSet(ElfSymbol symbol) => Set().IsMatch(symbol.Name);

    private static IEnumerable<string> WordsOf(
        ElfByteOrder order,
        ElfSection section,
        ulong start,
        ulong end,
        ILookup<ulong, ElfSymbol> ids
    )
    {
        for (var offset = start; offset < end; offset += WordSize)
        {
            var bytes = section.Content.AsSpan((int)offset, (int)Math.Min(WordSize, end - offset));
            var value = bytes.Length == WordSize ? order.ReadUInt32(bytes) : bytes[0];
            var id = string.Join(" and ", ids[offset].Select(s => IdOf(s.Name) ?? s.Name).Order(StringComparer.Ordinal));
            yield return id.Length == 0 ? $"the word 0x{value:x}"
            : value == 0 ? id
            : $"{id} (0x{value:x})";
        }
    }

    [GeneratedRegex("^__BTF_ID__(?<kind>set8?)__(?<name>.+)$")]
    private static partial Regex Set();

    [GeneratedRegex("^__BTF_ID__(?!set8?__)(?<kind>.+?)__(?<name>.+)__[0-9]+$")]
    private static partial Regex Id();
}
