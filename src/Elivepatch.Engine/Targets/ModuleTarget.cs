// In: a module's file as its build left it. Out: the module as a target. Its sections have no addresses and its relocations are
// still there, so it is laid out at addresses of our own and linked there, what it does not define included: then a unit is
// placed in it, and every field proven, as in the kernel proper. The addresses mean nothing outside; what a livepatch says of a
// symbol is its name and position.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Units;
using Elivepatch.Model;

namespace Elivepatch.Engine.Targets;

/// <summary>A module of the kernel, loaded or not.</summary>
public sealed class ModuleTarget : PatchTarget
{
    /// <summary>Bytes between the places of symbols of others, so that an addend to one does not lead to the next.</summary>
    private const ulong Gap = 4096;

    private const string ExportPrefix = "__ksymtab_";

    private static readonly ModuleLinkRules rules = new();

    private readonly ObjectSymbols core;
    private readonly Dictionary<string, ulong> externals;
    private readonly Dictionary<ulong, string> externalNames;

    private ModuleTarget(
        string name,
        ObjectSymbols whole,
        ObjectSymbols core,
        KernelImage image,
        Dictionary<string, ulong> externals
    )
    {
        ObjectName = name;
        Symbols = whole;
        this.core = core;
        Image = image;
        this.externals = externals;
        externalNames = externals.ToDictionary(e => e.Value, e => e.Key);
    }

    /// <inheritdoc/>
    public override string ObjectName { get; }

    /// <inheritdoc/>
    public override string ListedName => ObjectName;

    /// <summary>
    /// All that its symbol table defines, in its order: what the kernel looks through from the moment that the module comes until
    /// its init function has returned.
    /// </summary>
    public override ObjectSymbols Symbols { get; }

    /// <inheritdoc/>
    public override KernelImage Image { get; }

    /// <inheritdoc/>
    public override LinkRules Rules => rules;

    /// <summary>What its file says of it.</summary>
    public required ModuleInformation Information { get; init; }

    /// <summary>The build-id of its file in hexadecimal (a note of type 3, owner GNU); null where it has none.</summary>
    public string? BuildId { get; private init; }

    /// <summary>
    /// What it exports (<c>include/linux/export-internal.h</c>), without checksums, which only ordinary references need.
    /// </summary>
    public IReadOnlyList<ExportedSymbol> Exports { get; private init; } = [];

    private Dictionary<(string Name, ulong Address), ElfSymbol> Functions { get; init; } = [];

    private LoadedCode? Code { get; init; }

    /// <summary>
    /// What of one of its functions is in memory as it is in the file; null where the file has no function of this name there.
    /// </summary>
    public LoadedFunction? FindLoaded(string name, ulong address) =>
        Functions.TryGetValue((name, address), out var function) ? Code?.Read(function) : null;

    /// <summary>True for a module without which this one cannot be loaded: it uses what that exports.</summary>
    public bool Needs(string module) => Information.NeededModules.Contains(module);

    /// <summary>True for a symbol that it gets from another object: from exports alone, or not at all where it is weak.</summary>
    public bool Imports(string name) => externals.ContainsKey(name);

    /// <summary>What the link of a module does to the objects of its units.</summary>
    public static LinkRules LinkRules => rules;

    /// <summary>Lays a module out.</summary>
    /// <param name="architecture">The kernel's processor.</param>
    /// <param name="name">The module's name, as the kernel calls it.</param>
    /// <param name="file">Its file, which stays as it is.</param>
    public static Outcome<ModuleTarget> Open(Architecture architecture, string name, ElfObject file)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        ArgumentNullException.ThrowIfNull(file);
        if (architecture.CheckObject(name, file) is { } refused)
        {
            return refused;
        }

        if (file.FileType != ElfFileType.Relocatable)
        {
            return new Problem(FactProblems.UnusableImage, $"{name}: the file is not a module: it is fully linked");
        }

        Dictionary<ElfSection, ElfSection> placed = [];
        var next = architecture.ModuleAddress;
        foreach (var section in file.Sections.Where(s => s.Has(ElfSectionFlags.Alloc)))
        {
            var alignment = Math.Max(section.Alignment, 1);
            next = (next + alignment - 1) / alignment * alignment;
            placed.Add(section, CopyAt(next, section));
            next += section.Size;
        }

        var externals = new Dictionary<string, ulong>(StringComparer.Ordinal);
        next = (next + (2 * Gap)) / Gap * Gap;
        foreach (var symbol in file.Symbols.Where(s => s.Place == ElfSymbolPlace.Undefined && s.Name.Length > 0))
        {
            if (externals.TryAdd(symbol.Name, next))
            {
                next += Gap;
            }
        }

        foreach (var (section, copy) in placed)
        {
            if (Link(architecture, section, copy, placed, externals) is { } relocation)
            {
                return new Problem(
                    FactProblems.UnusableImage,
                    $"{name}: {section} has {architecture.Describe(relocation)}, which cannot be applied"
                );
            }
        }

        List<KernelSymbol> whole = [],
            core = [];
        var functions = new Dictionary<(string, ulong), ElfSymbol>();
        foreach (
            var symbol in file.Symbols.Where(s =>
                s.Place != ElfSymbolPlace.Undefined && s.Name.Length is > 0 and <= KernelLimits.SymbolName
            )
        )
        {
            var home = symbol.Section is { } section ? placed.GetValueOrDefault(section) : null;
            var listed = home is null
                ? new KernelSymbol(symbol.Name, 0, 'a')
                : new(symbol.Name, unchecked(home.Address + symbol.Value), ModuleLinkRules.LetterOf(symbol));
            whole.Add(listed);
            if (home is not null && symbol.IsFunction)
            {
                functions.TryAdd((symbol.Name, listed.Address), symbol);
            }

            if (home is not null && !ModuleLinkRules.IsOfStart(symbol.Section!))
            {
                core.Add(listed);
            }
        }

        return new ModuleTarget(name, ObjectSymbols.Of(whole), ObjectSymbols.Of(core), KernelImage.Of(placed.Values), externals)
        {
            Information = ModuleInformation.Of(file),
            BuildId = ElfNotes.BuildIdOf(file) is { IsEmpty: false } id ? Convert.ToHexStringLower(id) : null,
            Exports =
            [
                .. file
                    .Symbols.Where(s =>
                        s.Name.StartsWith(ExportPrefix, StringComparison.Ordinal)
                        && s.Section?.Name.TrimStart('_').StartsWith("ksymtab", StringComparison.Ordinal) == true
                    )
                    .Select(s => new ExportedSymbol(s.Name[ExportPrefix.Length..], 0, name, "")),
            ],
            Functions = functions,
            Code = new(architecture, file),
        };
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The kernel counts among all symbols while the module comes, and among those that it keeps later (<c>is_core_symbol()</c>):
    /// a position that is not the same in both may mean another function each time.
    /// </remarks>
    public override Sympos? PositionOf(string name, ulong address)
    {
        var (first, later) = (Symbols.PositionOf(name, address), core.PositionOf(name, address));
        return first == later ? first : null;
    }

    /// <inheritdoc/>
    public override IEnumerable<ulong> DefinitionsOf(string name) =>
        externals.TryGetValue(name, out var external) ? [external] : base.DefinitionsOf(name);

    /// <inheritdoc/>
    /// <remarks>The loader frees what is of the start; what a module ends with stays as long as it may go.</remarks>
    public override MemoryKind KindOf(ulong address) =>
        Image.SectionAt(address) switch
        {
            null => MemoryKind.Unknown,
            var section when ModuleLinkRules.IsOfStart(section) => MemoryKind.Init,
            var section when section.Has(ElfSectionFlags.Execute) => MemoryKind.Code,
            var section when !section.Has(ElfSectionFlags.Write) => MemoryKind.Constant,
            var section when SectionRules.MemoryOf(section) is var kind and not MemoryKind.Init => kind,
            _ => MemoryKind.Data,
        };

    /// <summary>
    /// The symbol of another object that the module's own code means with an address, and the bytes from it; null for an address
    /// of its own.
    /// </summary>
    public (string Name, long Displacement)? ExternalAt(ulong address)
    {
        // Each has the middle of a gap's width to itself.
        const ulong half = Gap / 2;
        var nearest = unchecked(address + half) / Gap * Gap;
        return externalNames.TryGetValue(nearest, out var name) ? (name, unchecked((long)(address - nearest))) : null;
    }

    private static ElfSection CopyAt(ulong address, ElfSection section) =>
        new(section.Name, section.Type)
        {
            Address = address,
            Flags = section.Flags,
            Alignment = section.Alignment,
            Content = [.. section.Content],
            NoBitsSize = section.NoBitsSize,
        };

    // Gives the first relocation that cannot be applied.
    private static ElfRelocation? Link(
        Architecture architecture,
        ElfSection section,
        ElfSection copy,
        Dictionary<ElfSection, ElfSection> placed,
        Dictionary<string, ulong> externals
    )
    {
        foreach (var relocation in section.Relocations?.Entries ?? [])
        {
            var type = architecture.TypeOf(relocation);
            if (type.IsNone)
            {
                continue;
            }

            if (!type.IsKnown || AddressOf(relocation.Symbol, placed, externals) is not { } symbol)
            {
                return relocation;
            }

            var place = unchecked(copy.Address + relocation.Offset);
            type.Write(
                copy.Content.AsSpan((int)relocation.Offset),
                architecture.Order,
                type.ValueOf(unchecked(symbol + (ulong)relocation.Addend), place)
            );
        }

        return null;
    }

    private static ulong? AddressOf(
        ElfSymbol? symbol,
        Dictionary<ElfSection, ElfSection> placed,
        Dictionary<string, ulong> externals
    ) =>
        symbol switch
        {
            null => 0,
            { Section: { } section } => placed.TryGetValue(section, out var home) ? unchecked(home.Address + symbol.Value) : null,
            { Place: ElfSymbolPlace.Absolute } => symbol.Value,
            { Place: ElfSymbolPlace.Undefined } => externals.TryGetValue(symbol.Name, out var external) ? external : null,
            _ => null,
        };
}
