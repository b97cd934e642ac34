using Elivepatch.Elf;
using Elivepatch.Model;
using Place = Elivepatch.Engine.SelfCheck.DataFields.Place;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// Reads the single fields that all forms of the lists share: a name, a position, the place of new code, callbacks. Keeps count,
/// because a hostile module can let thousands of objects share one list of thousands of functions.
/// </summary>
internal sealed class PatchEntries(ElfObject elf, DataFields fields)
{
    /// <summary>Most functions that a module may list, far more than any has.</summary>
    public const int MostFunctions = 65_536;

    private readonly Dictionary<ElfSection, ulong[]> ftraceEntries = FtraceEntries(elf);
    private int functions;

    /// <summary>What was wrong with the lists so far; null where nothing was.</summary>
    public Problem? Problem { get; private set; }

    /// <summary>Takes note of a failure; the first one stays.</summary>
    public void Fail(string reason) => Problem ??= new(SelfCheckProblems.UnreadablePatchLists, reason);

    /// <summary>The text that a pointer leads to; null for a null pointer.</summary>
    public string? ReadName(Place field)
    {
        if (fields.RelocationAt(field) is not { } relocation)
        {
            if (fields.ReadNumber(field) != 0)
            {
                Fail($"{At(field)}: a name is a number instead of a pointer");
            }

            return null;
        }

        var text = fields.Follow(field) is { } place ? DataFields.ReadText(place) : null;
        if (text is null)
        {
            Fail($"{At(field)}: {relocation} is not a name");
        }

        return text;
    }

    /// <summary>One function of a list.</summary>
    public ReplacedFunction ReadFunction(Place name, Place position, Place newCode)
    {
        if (++functions > MostFunctions)
        {
            Fail($"the module lists more than {MostFunctions} functions");
        }

        var number = fields.ReadNumber(position);
        if (number > int.MaxValue)
        {
            Fail($"{At(position)}: {number} is not a symbol position");
        }

        return new(ReadName(name), new(number > int.MaxValue ? 0 : (int)number), Code(newCode));
    }

    /// <summary>Four callbacks in a row.</summary>
    public ObjectCallbacks ReadCallbacks(Place first) =>
        new(ReadCallback(first), ReadCallback(first + 8), ReadCallback(first + 16), ReadCallback(first + 24));

    /// <summary>The function that a pointer leads to, by name; null for a null pointer.</summary>
    public string? ReadCallback(Place field)
    {
        if (fields.RelocationAt(field) is not { } relocation)
        {
            return null;
        }

        return fields.Follow(field) is { } place && fields.SymbolAt(place) is { } symbol
            ? symbol.Name
            : relocation.Symbol?.ToString() ?? "";
    }

    private NewCode? Code(Place field)
    {
        if (fields.RelocationAt(field) is not { } relocation)
        {
            if (fields.ReadNumber(field) != 0)
            {
                Fail($"{At(field)}: a new function is a number instead of a pointer");
            }

            return null;
        }

        if (fields.Follow(field) is not { } place)
        {
            Fail($"{At(field)}: the new function {relocation} is not in the module");
            return null;
        }

        // A symbol of its own may share the place with others; the one that the relocation names is meant.
        var symbol = relocation is { Addend: 0, Symbol: { IsSectionSymbol: false, Name.Length: > 0 } named }
            ? named
            : fields.SymbolAt(place);
        var size = symbol?.Size ?? 0;
        return new(
            place.Section.Name,
            place.Offset,
            symbol?.Name,
            size,
            place.Section.Has(ElfSectionFlags.Execute),
            HasFtraceEntry(place, size)
        );
    }

    private bool HasFtraceEntry(Place start, ulong size)
    {
        if (!ftraceEntries.TryGetValue(start.Section, out var entries))
        {
            return false;
        }

        var index = Array.BinarySearch(entries, start.Offset);
        index = index < 0 ? ~index : index;
        return index < entries.Length && entries[index] - start.Offset < Math.Max(size, 1);
    }

    private static Dictionary<ElfSection, ulong[]> FtraceEntries(ElfObject elf) =>
        elf
            .RelocationSections.Where(s => s.Target.Name == "__mcount_loc")
            .SelectMany(s => s.Entries)
            .Select(r => DataFields.TargetOf(r.Symbol, r.Addend))
            .OfType<Place>()
            .GroupBy(p => p.Section, p => p.Offset)
            .ToDictionary(g => g.Key, g => g.Order().ToArray());

    private static string At(Place field) => $"{field.Section.Name}+0x{field.Offset:x}";
}
