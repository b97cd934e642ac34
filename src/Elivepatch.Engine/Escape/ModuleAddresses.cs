using System.Text;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Model.Explanations;

namespace Elivepatch.Engine.Escape;

/// <summary>
/// Finds what of the module an address leads to, and what the module's data hold. Works on an object that is to be linked as on a
/// finished module: relocations of both kinds count, and of their symbols those that the module defines.
/// </summary>
internal sealed class ModuleAddresses
{
    private const int LongestText = 40;
    private readonly Dictionary<ElfSection, ElfSymbol[]> symbols = [];
    private readonly Dictionary<ElfSection, ElfRelocation[]> relocations = [];
    private readonly Dictionary<(ElfSection, ulong), OwnAddress> known = [];
    private readonly Architecture architecture;

    public ModuleAddresses(Architecture architecture, ElfObject elf)
    {
        this.architecture = architecture;
        foreach (var group in elf.Symbols.Where(IsNamed).GroupBy(s => s.Section!))
        {
            symbols[group.Key] = [.. group.OrderBy(s => s.Value).ThenBy(s => s.Size)];
        }

        foreach (var group in elf.RelocationSections.Where(s => s.Target.Has(ElfSectionFlags.Alloc)).GroupBy(s => s.Target))
        {
            relocations[group.Key] = [.. group.SelectMany(s => s.Entries).OrderBy(r => r.Offset)];
        }

        foreach (var (section, entries) in relocations)
        {
            if (!section.Has(ElfSectionFlags.Execute) && !LoaderOwned.IsLoaderOwned(architecture, section))
            {
                ReadContents(section, entries);
            }
        }
    }

    /// <summary>Places inside of functions that data lead to: switch tables.</summary>
    public HashSet<CodePlace> Labels { get; } = [];

    /// <summary>All relocations of a section, livepatch relocations included, by offset.</summary>
    public IReadOnlyList<ElfRelocation> RelocationsOf(ElfSection section) =>
        relocations.TryGetValue(section, out var found) ? found : [];

    /// <summary>The named symbols of a section, by offset.</summary>
    public IReadOnlyList<ElfSymbol> SymbolsOf(ElfSection section) => symbols.TryGetValue(section, out var found) ? found : [];

    /// <summary>What a relocation leads to; null where that is not in this module.</summary>
    /// <param name="relocation">The relocation.</param>
    /// <param name="bias">For a PC-relative field of an instruction the bytes from the field to the next instruction.</param>
    public OwnAddress? Target(ElfRelocation relocation, long bias) =>
        relocation.Symbol is { IsDefined: true, Section: { } section } symbol
            ? Find(section, unchecked(symbol.Value + (ulong)(relocation.Addend + bias)), symbol)
            : null;

    /// <summary>What lies at a place; null for a section that is not loaded.</summary>
    /// <param name="section">The section.</param>
    /// <param name="offset">Offset in it; may lie outside of what is meant.</param>
    /// <param name="named">The symbol that names it, if it has a name of its own.</param>
    public OwnAddress? Find(ElfSection section, ulong offset, ElfSymbol? named)
    {
        if (!section.Has(ElfSectionFlags.Alloc))
        {
            return null;
        }

        if (LoaderOwned.IsLoaderOwned(architecture, section))
        {
            return Get(
                section,
                0,
                () =>
                    new(AddressKind.Data, section.Name, section, 0)
                    {
                        CountsAsEscape = false,
                        IsThisModule = section.Name == SelfCheck.ModuleStart.Section,
                    }
            );
        }

        if (section.Has(ElfSectionFlags.Execute))
        {
            return Code(section, offset);
        }

        var symbol = named is { } given && IsNamed(given) ? given : Containing(section, offset);
        if (symbol is not null)
        {
            return Datum(section, symbol);
        }

        return IsLiteral(section) ? Literal(section, offset) : Unnamed(section, offset);
    }

    private static bool IsNamed(ElfSymbol symbol) =>
        symbol is { IsDefined: true, IsSectionSymbol: false, Name.Length: > 0, Type: not ElfSymbolType.File };

    private OwnAddress Get(ElfSection section, ulong start, Func<OwnAddress> create)
    {
        if (!known.TryGetValue((section, start), out var address))
        {
            known[(section, start)] = address = create();
        }

        return address;
    }

    // What begins nowhere is a place inside of a function: all those of a section are one.
    private OwnAddress Code(ElfSection section, ulong offset)
    {
        var entry = SymbolsOf(section)
            .FirstOrDefault(s => s.Value == offset && (s.IsFunction || s.Binding != ElfSymbolBinding.Local));
        return entry is null
            ? Get(section, ulong.MaxValue, () => new(AddressKind.Function, section.Name, section, 0) { CountsAsEscape = false })
            : Get(section, offset, () => new(AddressKind.Function, entry.Name, section, entry.Value));
    }

    // An object without a byte, as a lock class is without lockdep, shares its address with the next one and means nothing.
    private OwnAddress Datum(ElfSection section, ElfSymbol symbol)
    {
        if (IsEmpty(symbol))
        {
            return Get(
                section,
                ulong.MaxValue,
                () => new(AddressKind.Constant, symbol.Name, section, 0) { CountsAsEscape = false }
            );
        }

        // Several names of one datum are the one of the largest size.
        var widest = SymbolsOf(section).LastOrDefault(s => s.Value == symbol.Value) ?? symbol;
        return Get(
            section,
            widest.Value,
            () =>
                new(KindOf(section), widest.Name, section, widest.Value)
                {
                    CountsAsEscape = !LoaderOwned.IsLockClass(widest.Name),
                }
        );
    }

    private static bool IsEmpty(ElfSymbol symbol) => symbol is { Size: 0, Type: ElfSymbolType.Object };

    private OwnAddress Literal(ElfSection section, ulong offset)
    {
        var text = section.Content.AsSpan((int)Math.Min(offset, (ulong)section.Content.Length));
        var length = text.IndexOf((byte)0);
        var shown = new StringBuilder("\"");
        foreach (var letter in text[..Math.Clamp(length, 0, LongestText)])
        {
            shown.Append(letter is >= (byte)' ' and < 127 and not (byte)'"' and not (byte)'\\' ? (char)letter : '.');
        }

        shown.Append(length > LongestText ? "...\"" : "\"");
        return Get(section, offset, () => new(AddressKind.Literal, shown.ToString(), section, offset));
    }

    // Between two symbols nothing says where one thing ends and the next begins.
    private OwnAddress Unnamed(ElfSection section, ulong offset)
    {
        var before = SymbolsOf(section).Where(s => s.Size > 0).TakeWhile(s => s.Value <= offset);
        var start = before.Select(s => s.Value + s.Size).DefaultIfEmpty().Max();
        return Get(section, start, () => new(KindOf(section), $"{section.Name}+0x{start:x}", section, start));
    }

    private ElfSymbol? Containing(ElfSection section, ulong offset) =>
        SymbolsOf(section).LastOrDefault(s => s.Value <= offset && offset - s.Value < s.Size)
        ?? SymbolsOf(section).FirstOrDefault(s => s.Value == offset && IsEmpty(s));

    private static AddressKind KindOf(ElfSection section) =>
        section.Has(ElfSectionFlags.Write) ? AddressKind.Data : AddressKind.Constant;

    private static bool IsLiteral(ElfSection section) =>
        !section.Has(ElfSectionFlags.Write)
        && (section.Has(ElfSectionFlags.Strings) || section.Name.Contains(".str1.", StringComparison.Ordinal));

    private void ReadContents(ElfSection section, ElfRelocation[] entries)
    {
        foreach (var relocation in entries)
        {
            if (Target(relocation, 0) is not { } target || Find(section, relocation.Offset, null) is not { } holder)
            {
                continue;
            }

            holder.AddContents([target]);
            if (target is { Kind: AddressKind.Function, CountsAsEscape: false })
            {
                Labels.Add(new(target.Section, unchecked(relocation.Symbol!.Value + (ulong)relocation.Addend)));
            }
        }
    }
}
