// In: sections of the unit with their places, and the linked image. Out: what differs, and the places of sections that have no
// symbols. A relocated field is not masked but solved: the field in the image says to which address the linker bound the symbol,
// and that must be where the symbol is known to be. So fields prove data and strings as well as code, and a field that leads into
// a section whose place nobody knows yet tells that place, which then is compared in turn.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.Fidelity;

/// <summary>Compares the sections of one unit with the linked kernel, byte by byte and field by field.</summary>
internal sealed class ImageComparison(
    Architecture architecture,
    KernelImage image,
    PatchTarget target,
    StaticBranchSites branches,
    UnitSymbols names
)
{
    /// <summary>More differences than this name no further functions to anybody.</summary>
    private const int MostDifferences = 10_000;

    private readonly Dictionary<ElfSection, ulong> places = [];
    private readonly Dictionary<ElfSection, int> branchCounts = [];
    private readonly HashSet<ElfSection> compared = [];
    private readonly Queue<ElfSection> waiting = new();
    private readonly Dictionary<ElfSymbol, ulong[]> definitions = [];
    private readonly List<Difference> differences = [];
    private readonly List<(ElfSection Section, SplitAddress Address)> unsettled = [];

    /// <summary>What was found to differ, in the order in which it was found.</summary>
    public IReadOnlyList<Difference> Differences => differences;

    /// <summary>Says where a section lies, in addresses of the running kernel.</summary>
    public void Place(ElfSection section, ulong running)
    {
        places.Add(section, image.ToLink(running));
        waiting.Enqueue(section);
    }

    /// <summary>Where a section lies, in addresses of the running kernel; null where nothing tells.</summary>
    public ulong? PlaceOf(ElfSection section) => places.TryGetValue(section, out var link) ? image.ToRunning(link) : null;

    /// <summary>How well the place of a section is proven.</summary>
    public PlacementProof ProofOf(ElfSection section) =>
        !places.ContainsKey(section) ? PlacementProof.None
        : compared.Contains(section) ? PlacementProof.Bytes
        : PlacementProof.Layout;

    /// <summary>How many static branches of a section are turned otherwise in the image.</summary>
    public int StaticBranchesIn(ElfSection section) => branchCounts.GetValueOrDefault(section);

    /// <summary>Compares all sections that have a place, and those whose place that reveals.</summary>
    public void ComparePending()
    {
        while (waiting.TryDequeue(out var section))
        {
            Compare(section);
        }

        unsettled.RemoveAll(u => CompareConfirming(u.Section, u.Address));
    }

    /// <summary>True where the section's bytes fit here. Learns nothing: this is how one of several places is tried.</summary>
    public bool Fits(ElfSection section, ulong running)
    {
        var trial = new ImageComparison(architecture, image, target, branches, names);
        foreach ((var placed, var link) in places)
        {
            trial.places.Add(placed, link);
        }

        trial.places[section] = image.ToLink(running);
        trial.Compare(section);
        return trial.differences.Count == 0;
    }

    /// <summary>The first relocation of a section that refers to code or data with a known place, or null.</summary>
    public ElfRelocation? KnownReferenceIn(ElfSection section) =>
        InOrder(section)
            .FirstOrDefault(r =>
                r.Symbol is { Section: { } target, Binding: not ElfSymbolBinding.Weak }
                && places.ContainsKey(target)
                && architecture.TypeOf(r).Size > 0
                && r.Offset < section.Size
            );

    /// <summary>Where the symbol of such a relocation lies, in addresses of the link.</summary>
    public ulong PlaceOfSymbol(ElfRelocation known) => unchecked(places[known.Symbol!.Section!] + known.Symbol.Value);

    /// <summary>Notes that a section as a whole is nowhere.</summary>
    public void AddMismatch(ElfSection section, string what) => differences.Add(new(section, 0, what));

    private void Compare(ElfSection section)
    {
        if (section.Type == ElfSectionType.NoBits || target.Rules.IsFilledLater(section))
        {
            return;
        }

        var start = places[section];
        var linked = image.BytesFrom(start);
        if (linked.Length < section.Content.Length)
        {
            if (
                image.SectionAt(start) is not { Type: ElfSectionType.NoBits }
                || section.Content.AsSpan().ContainsAnyExcept((byte)0)
            )
            {
                differences.Add(new(section, 0, "is outside of the image"));
            }

            return;
        }

        compared.Add(section);
        CompareContent(section, start, linked[..section.Content.Length]);
    }

    /// <summary>Walks from one place that the link may change, a relocated field or a static branch, to the next.</summary>
    private void CompareContent(ElfSection section, ulong start, ReadOnlySpan<byte> linked)
    {
        var sites = branches.In(section);
        var split = new SplitAddresses();
        var site = 0;
        var position = 0;
        foreach (var field in InOrder(section))
        {
            while (site < sites.Count && sites[site].Offset <= field.Offset)
            {
                CompareBranch(section, start, linked, sites[site++], ref position);
            }

            var type = architecture.TypeOf(field);
            var size = type.Size;
            if (type.IsNone)
            {
                continue;
            }

            if (size == 0 || field.Offset > (ulong)linked.Length || (ulong)size > (ulong)linked.Length - field.Offset)
            {
                differences.Add(new(section, field.Offset, "has a relocation that cannot be followed"));
            }
            else if (field.Offset >= (ulong)position)
            {
                ComparePlain(section, linked, position, (int)field.Offset);
                if (
                    !type.AreEqualOutside(
                        section.Content.AsSpan((int)field.Offset),
                        linked[(int)field.Offset..],
                        architecture.Order
                    )
                )
                {
                    AddDifference(section, field, "has other bytes");
                }

                CompareField(section, unchecked(start + field.Offset), linked.Slice((int)field.Offset, size), field, split);
                position = (int)field.Offset + size;
            }
            else if (field.Offset + (ulong)size > (ulong)position)
            {
                // Two relocations of one field; no kernel object has them.
                differences.Add(new(section, field.Offset, "has relocations that overlap"));
            }
        }

        while (site < sites.Count)
        {
            CompareBranch(section, start, linked, sites[site++], ref position);
        }

        ComparePlain(section, linked, position, linked.Length);
        CompareSplit(section, split);
    }

    private static IEnumerable<ElfRelocation> InOrder(ElfSection section)
    {
        var entries = section.Relocations?.Entries ?? [];
        for (var i = 1; i < entries.Count; i++)
        {
            if (entries[i].Offset < entries[i - 1].Offset)
            {
                return entries.OrderBy(r => r.Offset);
            }
        }

        return entries;
    }

    private void CompareBranch(
        ElfSection section,
        ulong start,
        ReadOnlySpan<byte> linked,
        StaticBranchSite site,
        ref int position
    )
    {
        if (site.Offset < (ulong)position || site.Offset >= (ulong)linked.Length)
        {
            return;
        }

        var offset = (int)site.Offset;
        var length = architecture.StaticBranches.LengthOf(section.Content.AsSpan(offset));
        ReadOnlySpan<byte> built = section.Content.AsSpan(offset, length);
        var found = linked.Slice(offset, length);
        if (
            length == 0
            || found.SequenceEqual(built)
            || !places.TryGetValue(site.TargetSection, out var targetPlace)
            || !architecture.StaticBranches.IsBranchTo(
                found,
                length,
                start + site.Offset,
                unchecked(targetPlace + site.TargetOffset)
            )
        )
        {
            // Nothing to explain, or nothing that explains it: the ordinary comparison decides.
            return;
        }

        ComparePlain(section, linked, position, offset);
        position = offset + length;
        branchCounts[section] = branchCounts.GetValueOrDefault(section) + (found[0] == built[0] ? 0 : 1);
    }

    /// <summary>Compares bytes that the link leaves alone, and notes one difference per function or datum.</summary>
    private void ComparePlain(ElfSection section, ReadOnlySpan<byte> linked, int from, int end)
    {
        while (from < end)
        {
            var equal = section.Content.AsSpan(from, end - from).CommonPrefixLength(linked[from..end]);
            from += equal;
            if (from >= end || differences.Count >= MostDifferences)
            {
                return;
            }

            if (!IsSortFlag(section, from) || linked[from] != 0)
            {
                differences.Add(new(section, (ulong)from, "has other bytes"));
            }

            from = NextSymbol(section, from, end);
        }
    }

    private bool IsSortFlag(ElfSection section, int offset) =>
        names
            .In(section)
            .Any(s => target.Rules.IsClearedLater(s) && (ulong)offset >= s.Value && (ulong)offset - s.Value < s.Size);

    private int NextSymbol(ElfSection section, int offset, int end)
    {
        var name = names.NameAt(section, (ulong)offset);
        foreach (var symbol in names.In(section))
        {
            if (symbol.Value > (ulong)offset && symbol.Name != name)
            {
                return (int)Math.Min((ulong)end, symbol.Value);
            }
        }

        return end;
    }

    /// <summary>Solves one field for the address of its symbol, and compares that with where the symbol is.</summary>
    private void CompareField(
        ElfSection section,
        ulong place,
        ReadOnlySpan<byte> field,
        ElfRelocation relocation,
        SplitAddresses split
    )
    {
        var type = architecture.TypeOf(relocation);
        if (type.Solve(field, architecture.Order, place, relocation.Addend) is { } bound)
        {
            CompareBound(section, relocation, bound);
        }
        else if (type.IsKnown)
        {
            split.Add(relocation, type, type.PartIn(field, architecture.Order, place));
        }
        else
        {
            AddDifference(section, relocation, $"has a relocation of type {relocation.Type}, which no kernel object has");
        }
    }

    /// <summary>Compares addresses of which each field of a section has one part.</summary>
    private void CompareSplit(ElfSection section, SplitAddresses split)
    {
        foreach (var address in split.All)
        {
            if (address.Bound is { } bound)
            {
                CompareBound(section, address.First, bound);
                foreach (var other in address.FieldsOtherThan(bound))
                {
                    Require(false, section, other);
                }
            }
            else if (!CompareConfirming(section, address))
            {
                unsettled.Add((section, address));
            }
        }
    }

    /// <summary>
    /// Compares fields that do not determine their symbol but only confirm where it is. False where that is not known yet.
    /// </summary>
    private bool CompareConfirming(ElfSection section, SplitAddress address)
    {
        if (PlacesOf(address.First.Symbol) is not { } known)
        {
            return false;
        }

        if (!known.Any(k => !address.FieldsOtherThan(k).Any()))
        {
            Require(false, section, address.First);
        }

        return true;
    }

    /// <summary>
    /// The addresses of the link at which a symbol may be; none for an entry of a merged section, which only a whole address
    /// leads to; null for a section whose place is not known yet.
    /// </summary>
    private ulong[]? PlacesOf(ElfSymbol? symbol) =>
        symbol switch
        {
            null => [0],
            { Place: ElfSymbolPlace.Absolute } => [symbol.Value],
            { IsDefined: false } or { Binding: ElfSymbolBinding.Weak } => DefinitionsOf(symbol),
            { Section: { } home } when target.Rules.IsMerged(home) => [],
            { Section: { } home } => places.TryGetValue(home, out var place) ? [unchecked(place + symbol.Value)] : null,
            _ => [],
        };

    private void CompareBound(ElfSection section, ElfRelocation relocation, ulong bound)
    {
        if (relocation.Symbol is null || relocation.Symbol.Place == ElfSymbolPlace.Absolute)
        {
            Require(bound == (relocation.Symbol?.Value ?? 0), section, relocation);
        }
        else if (!relocation.Symbol.IsDefined || relocation.Symbol.Binding == ElfSymbolBinding.Weak)
        {
            Require(DefinitionsOf(relocation.Symbol).Contains(bound), section, relocation);
        }
        else if (target.Rules.IsMerged(relocation.Symbol.Section!))
        {
            Require(IsSameEntry(relocation, bound), section, relocation);
        }
        else
        {
            CompareOrLearnPlace(section, relocation, unchecked(bound - relocation.Symbol.Value));
        }
    }

    private void CompareOrLearnPlace(ElfSection section, ElfRelocation relocation, ulong place)
    {
        var referred = relocation.Symbol!.Section!;
        if (places.TryGetValue(referred, out var known))
        {
            Require(known == place, section, relocation);
        }
        else if (target.Rules.IsKeptWhole(referred))
        {
            places.Add(referred, place);
            waiting.Enqueue(referred);
        }
    }

    private void Require(bool holds, ElfSection section, ElfRelocation relocation)
    {
        if (!holds)
        {
            AddDifference(section, relocation, $"refers elsewhere than to {Describe(relocation)}");
        }
    }

    private void AddDifference(ElfSection section, ElfRelocation relocation, string what)
    {
        if (differences.Count < MostDifferences)
        {
            differences.Add(new(section, relocation.Offset, what));
        }
    }

    private string Describe(ElfRelocation relocation) =>
        relocation.Symbol switch
        {
            null => "nothing",
            { IsSectionSymbol: true, Section: { } section } when target.Rules.IsMerged(section) =>
                $"its constant in {section.Name}",
            { IsSectionSymbol: true, Section: { } section } => names.NameAt(section, (ulong)Math.Max(0, relocation.Addend)),
            { } symbol => symbol.ToString(),
        };

    /// <summary>
    /// The addresses of the link at which the object has a global symbol of this name; 0 for a weak one that it does not have.
    /// </summary>
    private ulong[] DefinitionsOf(ElfSymbol symbol)
    {
        if (!definitions.TryGetValue(symbol, out var addresses))
        {
            addresses = [.. target.DefinitionsOf(symbol.Name).Select(image.ToLink)];
            if (addresses.Length == 0 && symbol.Binding == ElfSymbolBinding.Weak)
            {
                addresses = [0];
            }

            definitions.Add(symbol, addresses);
        }

        return addresses;
    }

    /// <summary>True where the constant or string that the field leads to is the one that the object has.</summary>
    private bool IsSameEntry(ElfRelocation relocation, ulong bound)
    {
        // Against a section symbol the addend says which entry is meant. Otherwise it only corrects for the place of the field.
        var symbol = relocation.Symbol!;
        var into = symbol.IsSectionSymbol ? (ulong)relocation.Addend : 0;
        var entry = MergedEntries.ReadEntry(symbol.Section!, unchecked(symbol.Value + into));
        return !entry.IsEmpty && image.BytesFrom(unchecked(bound + into)).StartsWith(entry);
    }
}
