// In: the two objects of one unit, with and without a section per function and datum. Out: the names of what differs. Symbols of
// equal names say where each small section lies in the large one; then bytes are compared, and fields by where they lead.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Fidelity;

/// <summary>Compares the two objects of one unit section by section.</summary>
internal sealed class SectioningComparison(Architecture architecture, LinkRules rules, ElfObject asBuilt, ElfObject before)
{
    private readonly UnitSymbols asBuiltNames = new(rules, asBuilt);
    private readonly UnitSymbols beforeNames = new(rules, before);

    /// <summary>Where the content of each section of the before object begins in the as-built object.</summary>
    private readonly Dictionary<ElfSection, SectionTwin> twins = [];
    private readonly List<string> blamed = [];

    /// <summary>What differs, by name; empty where nothing does.</summary>
    public IReadOnlyList<string> Run()
    {
        MatchSymbols();
        MatchNamelessSections();
        if (blamed.Count == 0)
        {
            foreach ((var section, var twin) in twins)
            {
                Compare(section, twin);
            }

            while (unseen.TryDequeue(out var section))
            {
                Compare(section, found[section]);
            }
        }

        return blamed;
    }

    private readonly Dictionary<ElfSection, Dictionary<ulong, ulong>> biases = [];
    private readonly Dictionary<ElfSection, Dictionary<ulong, ElfRelocation>> fieldsOf = [];
    private readonly Dictionary<ElfSection, ulong[]> offsetsOf = [];
    private Dictionary<ElfSection, ReferredSection>? asBuiltCode;
    private Dictionary<ElfSection, ReferredSection>? beforeCode;

    // Twins that references revealed while the others were compared.
    private readonly Dictionary<ElfSection, SectionTwin> found = [];

    // Those of them that were not compared yet.
    private readonly Queue<ElfSection> unseen = [];

    /// <summary>
    /// Pairs the symbols by name; each pair says where the section of the one begins in that of the other, and all must agree.
    /// </summary>
    private void MatchSymbols()
    {
        Dictionary<string, ElfSymbol> unmatched = [];
        foreach (var symbol in asBuilt.Symbols.Where(IsCompared))
        {
            if (!unmatched.TryAdd(symbol.Name, symbol))
            {
                blamed.Add($"{symbol.Name} (defined twice)");
            }
        }

        foreach (var symbol in before.Symbols.Where(IsCompared))
        {
            if (!unmatched.Remove(symbol.Name, out var twin))
            {
                blamed.Add($"{symbol.Name} (only with a section per function)");
            }
            else if (symbol.Type != twin.Type || symbol.Binding != twin.Binding)
            {
                blamed.Add($"{symbol.Name} (another kind of symbol with a section per function)");
            }
            else if (!MatchSections(symbol, twin))
            {
                blamed.Add(
                    symbol.Size == twin.Size
                        ? $"{symbol.Name} (at another place in its section)"
                        : $"{symbol.Name} ({symbol.Size} bytes with a section per function, else {twin.Size})"
                );
            }
        }

        blamed.AddRange(unmatched.Values.Select(s => $"{s.Name} (only without a section per function)"));
    }

    private bool IsCompared(ElfSymbol symbol) => rules.IsListed(symbol) && rules.IsKeptWhole(symbol.Section!);

    private bool MatchSections(ElfSymbol symbol, ElfSymbol twin)
    {
        if (!twins.TryGetValue(symbol.Section!, out var place))
        {
            var start = unchecked(twin.Value - symbol.Value);
            CodeAlignment? code = null;
            if (symbol.IsFunction && !(symbol.Size == twin.Size && IsEqualOutsideOfFields(symbol.Section!, twin.Section!, start)))
            {
                code = AlignmentOf(symbol.Section!, twin.Section!, start);
                if (code is null && symbol.Size != twin.Size)
                {
                    return false;
                }
            }

            twins.Add(symbol.Section!, place = new(twin.Section!, start, code));
        }

        return place.Section == twin.Section
            && place.Map(symbol.Value) == twin.Value
            && unchecked(place.Map(symbol.Value + symbol.Size) - place.Map(symbol.Value)) == twin.Size;
    }

    private CodeAlignment? AlignmentOf(ElfSection section, ElfSection twin, ulong start) =>
        (beforeCode ??= ReferredSection.Of(architecture, before)).TryGetValue(section, out var ours)
        && (asBuiltCode ??= ReferredSection.Of(architecture, asBuilt)).TryGetValue(twin, out var others)
            ? CodeAlignment.Find(ours, others, start)
            : null;

    private bool IsEqualOutsideOfFields(ElfSection section, ElfSection twin, ulong start)
    {
        if (start > (ulong)twin.Content.Length || section.Content.Length > twin.Content.Length - (int)start)
        {
            return false;
        }

        ReadOnlySpan<byte> one = section.Content,
            other = twin.Content.AsSpan((int)start, section.Content.Length);
        var position = 0;
        foreach (var field in section.Relocations?.Entries.OrderBy(r => r.Offset) ?? Enumerable.Empty<ElfRelocation>())
        {
            var offset = (int)Math.Min(field.Offset, (ulong)one.Length);
            if (offset < position || !one[position..offset].SequenceEqual(other[position..offset]))
            {
                return false;
            }

            var type = architecture.TypeOf(field);
            if (offset + type.Size > one.Length || !type.AreEqualOutside(one[offset..], other[offset..], architecture.Order))
            {
                return false;
            }

            position = offset + type.Size;
        }

        return one[position..].SequenceEqual(other[position..]);
    }

    /// <summary>
    /// Pairs sections without symbols by name where both objects have one of that name: code and data of assembler macros.
    /// </summary>
    private void MatchNamelessSections()
    {
        var asBuiltSections = asBuilt.Sections.Where(IsNameless).ToLookup(s => s.Name);
        foreach (var sections in before.Sections.Where(IsNameless).ToLookup(s => s.Name))
        {
            if (sections.Count() == 1 && asBuiltSections[sections.Key].Count() == 1 && !twins.ContainsKey(sections.First()))
            {
                // What a sanitizer's checks say has sections of its own here. References reveal them; what nothing refers to is
                // dead.
                if (
                    sections.First().Size == 0
                    && asBuiltSections[sections.Key].First() is { Size: > 0, Type: ElfSectionType.ProgBits }
                    && before.Sections.Any(SectionRules.IsSanitizerData)
                )
                {
                    continue;
                }

                twins.Add(sections.First(), new(asBuiltSections[sections.Key].First(), 0, null));
                if (sections.First().Size != asBuiltSections[sections.Key].First().Size)
                {
                    blamed.Add($"section {sections.Key} (of another size)");
                }
            }
        }
    }

    private bool IsNameless(ElfSection section) =>
        rules.IsKeptWhole(section) && asBuiltNames.In(section).Count == 0 && beforeNames.In(section).Count == 0;

    private void Compare(ElfSection section, SectionTwin twin)
    {
        var end = twin.Map(section.Size);
        if (section.Type != twin.Section.Type || twin.Start > end || end > twin.Section.Size)
        {
            Blame(section, 0, "has no equal place");
            return;
        }

        if (section.Type == ElfSectionType.NoBits)
        {
            return;
        }

        ReadOnlySpan<byte> one = section.Content;
        ReadOnlySpan<byte> other = twin.Code is { } code
            ? code.AsBuiltContent()
            : twin.Section.Content.AsSpan((int)twin.Start, section.Content.Length);
        var fields = FieldsOf(twin.Section);
        var position = 0;
        var met = 0;
        foreach (var field in section.Relocations?.Entries.OrderBy(r => r.Offset) ?? Enumerable.Empty<ElfRelocation>())
        {
            var type = architecture.TypeOf(field);
            var size = type.Size;
            if (
                field.Offset < (ulong)position
                || field.Offset > (ulong)one.Length
                || (ulong)size > (ulong)one.Length - field.Offset
            )
            {
                Blame(section, field.Offset, "has a relocation that cannot be followed");
                return;
            }

            var offset = (int)field.Offset;
            var hasTwin = fields.TryGetValue(twin.Map(field.Offset), out var twinField);
            met += hasTwin ? 1 : 0;
            if (!one[position..offset].SequenceEqual(other[position..offset]))
            {
                Blame(section, (ulong)(position + one[position..].CommonPrefixLength(other[position..])), "has other bytes");
            }
            else if (!type.AreEqualOutside(one[offset..], other[offset..], architecture.Order))
            {
                Blame(section, field.Offset, "has other bytes");
            }
            else if (
                hasTwin
                    ? !LeadsToTheSame(section, field, twin.Section, twinField!)
                    : !IsResolved(section, field, twin, other.Slice(offset, size))
            )
            {
                Blame(section, field.Offset, "refers to something else");
            }

            position = offset + size;
        }

        if (!one[position..].SequenceEqual(other[position..]))
        {
            Blame(section, (ulong)(position + one[position..].CommonPrefixLength(other[position..])), "has other bytes");
        }
        else if (met != CountBetween(twin.Section, twin.Start, end))
        {
            Blame(section, 0, "has fewer relocations with a section per function");
        }
    }

    private void Blame(ElfSection section, ulong offset, string what) =>
        blamed.Add($"{beforeNames.NameAt(section, offset)} ({what})");

    private Dictionary<ulong, ElfRelocation> FieldsOf(ElfSection section)
    {
        if (!fieldsOf.TryGetValue(section, out var fields))
        {
            fieldsOf.Add(section, fields = []);
            foreach (var field in section.Relocations?.Entries ?? [])
            {
                fields.TryAdd(field.Offset, field);
            }
        }

        return fields;
    }

    private int CountBetween(ElfSection section, ulong start, ulong end)
    {
        if (!offsetsOf.TryGetValue(section, out var offsets))
        {
            offsetsOf.Add(section, offsets = [.. (section.Relocations?.Entries ?? []).Select(r => r.Offset).Order()]);
        }

        return FirstFrom(offsets, end) - FirstFrom(offsets, start);
    }

    private static int FirstFrom(ulong[] offsets, ulong from)
    {
        var low = 0;
        var high = offsets.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = offsets[middle] < from ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private bool LeadsToTheSame(ElfSection section, ElfRelocation field, ElfSection twinSection, ElfRelocation twinField)
    {
        if (field.Type != twinField.Type || field.Symbol is not { } symbol || twinField.Symbol is not { } twinSymbol)
        {
            return field.Type == twinField.Type && field.Symbol == twinField.Symbol && field.Addend == twinField.Addend;
        }

        if (!symbol.IsDefined || !twinSymbol.IsDefined)
        {
            return symbol.Place == twinSymbol.Place
                && symbol.Name == twinSymbol.Name
                && symbol.Value == twinSymbol.Value
                && field.Addend == twinField.Addend;
        }

        if (rules.IsMerged(symbol.Section!) || rules.IsMerged(twinSymbol.Section!))
        {
            return symbol.IsSectionSymbol == twinSymbol.IsSectionSymbol
                && (symbol.IsSectionSymbol || field.Addend == twinField.Addend)
                && EntryOf(section, field).SequenceEqual(EntryOf(twinSection, twinField));
        }

        FindUnnamed(field, twinField);
        var place = unchecked(twinSymbol.Value + (ulong)twinField.Addend);
        return PlaceOf(section, field) == (twinSymbol.Section!, place)
            || (
                ReferredSection.IsAddressTable(section)
                && IsSameWay(unchecked(symbol.Value + (ulong)field.Addend), symbol.Section!, twinSymbol.Section!, place)
            );
    }

    // Where a fault leads there may be NOPs before the code that it leads to.
    private bool IsSameWay(ulong target, ElfSection section, ElfSection twinSection, ulong place) =>
        twins.TryGetValue(section, out var twin)
        && twin.Section == twinSection
        && twin.Code?.LeadsToTheSame(target, place) == true;

    /// <summary>
    /// Constants without a name have a section of their own in the before object and lie among others in the as-built one. The
    /// first field that leads there tells where; the content must be equal, fields in it included, and all other fields must
    /// agree.
    /// </summary>
    private void FindUnnamed(ElfRelocation field, ElfRelocation twinField)
    {
        ElfSection section = field.Symbol!.Section!,
            twin = twinField.Symbol!.Section!;
        var start = unchecked(twinField.Symbol.Value + (ulong)twinField.Addend - field.Symbol.Value - (ulong)field.Addend);
        if (
            twins.ContainsKey(section)
            || found.ContainsKey(section)
            || beforeNames.In(section).Count > 0
            || (section.Has(ElfSectionFlags.Write) && !SectionRules.IsSanitizerData(section))
            || section.Flags != twin.Flags
            || section.Type != ElfSectionType.ProgBits
            || start > twin.Size
            || section.Size > twin.Size - start
            || twin.Type != ElfSectionType.ProgBits
        )
        {
            return;
        }

        found.Add(section, new(twin, start, null));
        unseen.Enqueue(section);
    }

    private ReadOnlySpan<byte> EntryOf(ElfSection source, ElfRelocation field) =>
        MergedEntries.ReadEntry(
            field.Symbol!.Section!,
            unchecked(field.Symbol.Value + (field.Symbol.IsSectionSymbol ? (ulong)field.Addend + BiasOf(source, field) : 0))
        );

    /// <summary>
    /// What the addend of a PC-relative field in code lacks: the distance from the field to the next instruction.
    /// </summary>
    private ulong BiasOf(ElfSection source, ElfRelocation field)
    {
        if (!IsOfInstruction(source, field))
        {
            return 0;
        }

        if (!biases.TryGetValue(source, out var known))
        {
            biases.Add(source, known = []);
            InstructionFields.Visit(architecture, source, 0, source.Size, f => known[f.Offset] = (ulong)f.Bias);
        }

        return known.GetValueOrDefault(field.Offset, (ulong)architecture.BranchBias);
    }

    /// <summary>
    /// Where a field of the before object leads, as a place in the as-built object. The bias of a PC-relative field is in the
    /// addends of both, and so in both places; where it leads to code, that is the distance from the field to the next
    /// instruction.
    /// </summary>
    private (ElfSection Section, ulong Offset)? PlaceOf(ElfSection source, ElfRelocation field)
    {
        if (
            field.Symbol is not { Section: { } section } symbol
            || (!twins.TryGetValue(section, out var twin) && !found.TryGetValue(section, out twin))
        )
        {
            return null;
        }

        // Between instructions that lie at other distances, four bytes beside the target may be those of another one.
        var bias =
            !IsOfInstruction(source, field) ? 0
            : twin.Code is null ? (ulong)architecture.BranchBias
            : BiasOf(source, field);
        return (twin.Section, unchecked(twin.Map(symbol.Value + (ulong)field.Addend + bias) - bias));
    }

    /// <summary>
    /// True where the assembler solved the as-built field itself, because both ends are in one section there, and solved it to
    /// what the relocation of the before object asks for.
    /// </summary>
    private bool IsResolved(ElfSection section, ElfRelocation field, SectionTwin twin, ReadOnlySpan<byte> solved) =>
        architecture.TypeOf(field) is { IsShortRelative: true } type
        && PlaceOf(section, field) is { } place
        && place.Section == twin.Section
        && place.Offset == unchecked(type.ValueIn(solved, architecture.Order) + twin.Map(field.Offset));

    private bool IsOfInstruction(ElfSection source, ElfRelocation field) =>
        source.Has(ElfSectionFlags.Execute) && architecture.TypeOf(field).IsShortRelative;
}
