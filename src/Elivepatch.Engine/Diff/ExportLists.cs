using System.Text;
using Elivepatch.Elf;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// The exports of a unit, one by one. In: a unit. Out: what <c>EXPORT_SYMBOL</c> left in it for each symbol, as text that is
/// equal where the exports are.
/// <para>
/// Since 6.5 (<c>include/linux/export.h</c>) one section, <c>.export_symbol</c>, has an entry for each: a label
/// <c>__export_symbol_NAME</c>, the licence and the namespace as strings, then a pointer to the symbol. Before
/// (<c>include/linux/export-internal.h</c>, <c>include/asm-generic/export.h</c>) each has sections of its own,
/// <c>___ksymtab+NAME</c> or <c>___ksymtab_gpl+NAME</c>, where there are CRCs <c>___kcrctab+NAME</c>, and in
/// <c>__ksymtab_strings</c> the strings <c>__kstrtab_NAME</c> and <c>__kstrtabns_NAME</c>.
/// </para>
/// </summary>
internal static class ExportLists
{
    private const string List = ".export_symbol";
    private const string Strings = "__ksymtab_strings";
    private const string OwnList = "___ksymtab";
    private const string EntryLabel = "__export_symbol_";
    private static readonly string[] ownSections = [OwnList + "+", OwnList + "_gpl+", "___kcrctab+", "___kcrctab_gpl+"];
    private static readonly string[] stringLabels = ["__kstrtabns_", "__kstrtab_"];

    /// <summary>True for a section that has exports alone, so that comparing them one by one compares all of it.</summary>
    public static bool IsExportSection(ElfSection section) =>
        section.Name is List or Strings || NameOfOwnSection(section) is not null;

    /// <summary>The exports by the exported symbol's name; what has no name that can be read is under the section's.</summary>
    public static SortedDictionary<string, string> Of(UnitObject unit)
    {
        var exports = new SortedDictionary<string, string>(StringComparer.Ordinal);
        void Add(string name, string what) =>
            exports[name] = exports.TryGetValue(name, out var other) ? $"{other}; {what}" : what;

        foreach (var section in unit.SectionsOf(SectionRole.Registry).Where(s => s.Size > 0))
        {
            if (NameOfOwnSection(section) is { } own)
            {
                Add(own, $"{section.Name[..^own.Length]} {Text(unit, section, 0, section.Size)}");
            }
            else if (section.Name == List)
            {
                AddLabelled(unit, section, [EntryLabel], Add);
            }
            else if (section.Name == Strings)
            {
                AddLabelled(unit, section, stringLabels, Add);
            }
        }

        return exports;
    }

    /// <summary>True for a section whose entries point to exported symbols.</summary>
    public static bool IsList(ElfSection section) =>
        section.Name == List || section.Name.StartsWith(OwnList, StringComparison.Ordinal);

    /// <summary>The names of the symbols that the unit exports, those at the same place included.</summary>
    public static HashSet<string> SymbolsOf(UnitObject unit) =>
        unit.SectionsOf(SectionRole.Registry)
            .Where(IsList)
            .SelectMany(unit.ReferencesOf)
            .Select(r => r.Piece)
            .OfType<Piece>()
            .SelectMany(p => p.Symbols)
            .Select(s => s.Name)
            .ToHashSet(StringComparer.Ordinal);

    private static void AddLabelled(UnitObject unit, ElfSection section, string[] labels, Action<string, string> add)
    {
        var starts = unit
            .Elf.Symbols.Where(s =>
                s.Section == section && Array.Exists(labels, l => s.Name.StartsWith(l, StringComparison.Ordinal))
            )
            .OrderBy(s => s.Value)
            .ThenBy(s => s.Name, StringComparer.Ordinal)
            .ToList();
        if (starts.Count == 0 || starts[0].Value > 0)
        {
            add(section.Name, Text(unit, section, 0, starts.Count == 0 ? section.Size : starts[0].Value));
        }

        for (var i = 0; i < starts.Count; i++)
        {
            var label = labels.First(l => starts[i].Name.StartsWith(l, StringComparison.Ordinal));
            var end = i + 1 < starts.Count ? starts[i + 1].Value : section.Size;
            add(starts[i].Name[label.Length..], $"{label} {Text(unit, section, starts[i].Value, end)}");
        }
    }

    // Bytes, and behind them what they refer to: a relocated field has no bytes of its own. References to the strings are left
    // out, as their place is of no account: the label of a string says which export it belongs to.
    private static string Text(UnitObject unit, ElfSection section, ulong start, ulong end)
    {
        var text = new StringBuilder();
        foreach (var value in section.Content.AsSpan((int)start, (int)(end - start)).TrimEnd((byte)0))
        {
            text.Append(value is >= 0x20 and < 0x7f and not (byte)'\\' ? ((char)value).ToString() : $"\\x{value:x2}");
        }

        foreach (var reference in unit.ReferencesOf(section).Where(r => r.Offset >= start && r.Offset < end && !IsToString(r)))
        {
            text.Append(' ')
                .Append(reference.TargetName)
                .Append(reference.Displacement == 0 ? "" : $"{reference.Displacement:+0;-0}");
        }

        return text.ToString();
    }

    private static bool IsToString(Reference reference) =>
        reference.Piece?.Section.Name == Strings
        || reference.External?.Section?.Name == Strings
        || Array.Exists(stringLabels, l => reference.TargetName.StartsWith(l, StringComparison.Ordinal));

    private static string? NameOfOwnSection(ElfSection section) =>
        Array.Find(ownSections, p => section.Name.StartsWith(p, StringComparison.Ordinal)) is { } prefix
            ? section.Name[prefix.Length..]
            : null;
}
