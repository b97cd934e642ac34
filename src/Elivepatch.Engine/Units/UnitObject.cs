using Elivepatch.Elf;
using Elivepatch.Elf.Dwarf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Model;

namespace Elivepatch.Engine.Units;

/// <summary>
/// One compiled translation unit, cut into <see cref="Piece"/>s whose references are resolved to each other. Reading it is the
/// first pass: everything later works on pieces and never on sections, relocations or indexes.
/// </summary>
public sealed partial class UnitObject
{
    private readonly Dictionary<ElfSection, SectionPieces> bySection = [];
    private readonly Dictionary<ElfSymbol, Piece> bySymbol = [];
    private readonly List<Problem> problems = [];

    private UnitObject(Architecture architecture, string name, ElfObject elf, EntryLayouts? layouts, DebugInfo debug)
    {
        Architecture = architecture;
        Name = name;
        Elf = elf;
        Layouts = layouts;
        Debug = debug;
    }

    /// <summary>Source file of the unit, such as <c>fs/proc/meminfo.c</c>.</summary>
    public string Name { get; }

    /// <summary>The processor that it is for.</summary>
    public Architecture Architecture { get; }

    /// <summary>The object file.</summary>
    public ElfObject Elf { get; }

    /// <summary>Entry sizes of the target's tables, where known.</summary>
    public EntryLayouts? Layouts { get; }

    /// <summary>Debug information; empty where the object has none.</summary>
    public DebugInfo Debug { get; }

    /// <summary>Functions in section order, cold parts not among them.</summary>
    public IEnumerable<Piece> Functions => Pieces.Where(p => p.Kind == PieceKind.Function);

    /// <summary>Named functions, cold parts and variables in symbol table order of their primary symbols.</summary>
    public List<Piece> Pieces { get; } = [];

    /// <summary>Data without a name that something refers to, in no order.</summary>
    public IReadOnlyCollection<Piece> UnnamedData => unnamedRead;

    /// <summary>Lists of BTF ids, in section order.</summary>
    public IReadOnlyList<BtfIdList> IdLists { get; private set; } = [];

    /// <summary>Sections by role, in file order.</summary>
    public IEnumerable<ElfSection> SectionsOf(SectionRole role) => Elf.Sections.Where(s => roles[s] == role);

    private readonly Dictionary<ElfSection, SectionRole> roles = [];

    /// <summary>Role of a section of this object.</summary>
    public SectionRole RoleOf(ElfSection section) => roles[section];

    /// <summary>The function that declares a static local variable, where debug information tells; else null.</summary>
    public string? DeclaringFunctionOf(Piece variable) => declarations.GetValueOrDefault(variable)?.Owner!.Name;

    /// <summary>Where a static local variable is declared, where debug information tells; else null.</summary>
    public SourceLine? DeclarationOf(Piece variable) => declarations.GetValueOrDefault(variable)?.Declared;

    // By piece, for static locals.
    private readonly Dictionary<Piece, DebugVariable> declarations = [];

    /// <summary>The piece that a symbol names, or null for one without a piece.</summary>
    public Piece? PieceOf(ElfSymbol symbol) => bySymbol.GetValueOrDefault(symbol);

    /// <summary>References of a section that is not cut into pieces (registries, unknown sections), by offset.</summary>
    public IReadOnlyList<Reference> ReferencesOf(ElfSection section) => ReadReferences(section, 0, section.Size, fields: null);

    /// <summary>Cuts an object into pieces.</summary>
    /// <param name="architecture">The processor that it is for.</param>
    /// <param name="name">Source file of the unit.</param>
    /// <param name="elf">Object compiled with one section per function and datum.</param>
    /// <param name="layouts">Entry sizes of the target's tables; null infers them from the relocations.</param>
    public static Outcome<UnitObject> Read(Architecture architecture, string name, ElfObject elf, EntryLayouts? layouts)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        if (architecture.CheckObject(name, elf) is { } refused)
        {
            return refused;
        }

        DebugInfo debug;
        try
        {
            debug = DebugInfo.Read(elf);
        }
        catch (ElfFormatException e)
        {
            return new Problem(DiffProblems.MalformedObject, $"{name}: debug information: {e.Message}");
        }

        var unit = new UnitObject(architecture, name, elf, layouts, debug);
        foreach (var section in elf.Sections)
        {
            unit.roles[section] = SectionRules.RoleOf(section, architecture.Sections);
        }

        unit.CutSections();
        unit.PairColdParts();
        unit.FindDeclarations();
        unit.ResolveReferences();
        unit.ReadTables();
        return unit.problems.Count > 0 ? Outcome<UnitObject>.Failure(unit.problems) : unit;
    }

    private void CutSections()
    {
        foreach (var section in Elf.Sections)
        {
            bySection[section] = new(section);
        }

        // Code that has no entry of its own must not hide a neighbour: padding in front of an entry belongs to the entry.
        var padding = PaddingStarts();
        foreach (var group in Elf.Symbols.Where(IsNamed).GroupBy(s => s.Section!))
        {
            var end = 0UL;
            foreach (
                var symbol in group
                    .OrderBy(s => s.Value)
                    .ThenByDescending(s => s.Size)
                    .ThenBy(s => s.Binding == ElfSymbolBinding.Local)
            )
            {
                var pieces = bySection[group.Key];
                if (pieces.At(symbol.Value) is { } same)
                {
                    same.Symbols.Add(symbol);
                    bySymbol[symbol] = same;
                    continue;
                }

                // A label inside a function (from inline assembly) is no piece; a reference to it is one to the function.
                if (symbol.Value < end)
                {
                    continue;
                }

                var piece = Cut(symbol, padding);
                pieces.Add(piece);
                Pieces.Add(piece);
                end = piece.End;
            }
        }

        CutIdLists();
        foreach (var pieces in bySection.Values)
        {
            pieces.Seal();
        }
    }

    // The symbols of lists have no size: a list ends where the next one begins.
    private void CutIdLists()
    {
        IdLists = [.. SectionsOf(SectionRole.IdList).SelectMany(s => BtfIdList.Read(Architecture.Order, s, Elf.Symbols))];
        foreach (var list in IdLists)
        {
            var piece = new Piece(PieceKind.Variable, list.Name, list.Section, list.Start, list.Start, list.End);
            piece.Symbols.AddRange(list.Symbols);
            bySection[list.Section].Add(piece);
            Pieces.Add(piece);
        }

        foreach (var symbol in Elf.Symbols.Where(s => s is { IsDefined: true, IsSectionSymbol: false, Section: not null }))
        {
            if (
                roles[symbol.Section!] == SectionRole.IdList
                && IdLists.FirstOrDefault(l => l.Section == symbol.Section && l.Contains(symbol.Value)) is { } list
                && bySection[symbol.Section!].At(list.Start) is { } piece
            )
            {
                bySymbol[symbol] = piece;
            }
        }
    }

    private bool IsNamed(ElfSymbol symbol) =>
        symbol is { IsDefined: true, IsSectionSymbol: false, Section: not null }
        && symbol.Type != ElfSymbolType.File
        && symbol.Value <= symbol.Section.Size
        && symbol.Size <= symbol.Section.Size - symbol.Value
        && roles[symbol.Section] switch
        {
            // NOTYPE labels without size inside code come from inline assembly; functions written in assembly have a type or a
            // size.
            SectionRole.Code => symbol.IsFunction || symbol.Size > 0 || symbol.Binding != ElfSymbolBinding.Local,
            SectionRole.Init => symbol.Size > 0 || symbol.IsFunction,
            SectionRole.Data or SectionRole.Unknown => symbol.Type is ElfSymbolType.Object or ElfSymbolType.Function
                || symbol.Size > 0,
            _ => false,
        };

    private Piece Cut(ElfSymbol symbol, Dictionary<ElfSection, SortedSet<ulong>> padding)
    {
        var section = symbol.Section!;
        var start = symbol.Value;
        if (
            padding.TryGetValue(section, out var starts)
            && starts.GetViewBetween(0, symbol.Value) is { Count: > 0 } before
            && !bySection[section].Overlaps(before.Max)
        )
        {
            start = before.Max;
        }

        var kind =
            !section.Has(ElfSectionFlags.Execute) ? PieceKind.Variable
            : SymbolNames.IsCold(symbol.Name) ? PieceKind.ColdPart
            : PieceKind.Function;
        var piece = new Piece(kind, symbol.Name, section, start, symbol.Value, symbol.Value + symbol.Size);
        piece.Symbols.Add(symbol);
        bySymbol[symbol] = piece;
        return piece;
    }

    // -fpatchable-function-entry puts NOPs in front of the entry; __patchable_function_entries says where they begin.
    private Dictionary<ElfSection, SortedSet<ulong>> PaddingStarts()
    {
        var starts = new Dictionary<ElfSection, SortedSet<ulong>>();
        foreach (var table in Elf.Sections.Where(s => s.Name == "__patchable_function_entries"))
        {
            foreach (var relocation in table.Relocations?.Entries ?? [])
            {
                if (relocation.Symbol is not { Section: { } section } symbol)
                {
                    continue;
                }

                if (!starts.TryGetValue(section, out var set))
                {
                    starts[section] = set = [];
                }

                set.Add(symbol.Value + (ulong)relocation.Addend);
            }
        }

        return starts;
    }

    private void FindDeclarations()
    {
        foreach (var variable in Debug.Variables.Where(v => v.Owner is not null))
        {
            if (bySection.GetValueOrDefault(variable.Location.Section)?.At(variable.Location.Offset) is { } piece)
            {
                declarations[piece] = variable;
            }
        }
    }

    private void PairColdParts()
    {
        var functions = Pieces.Where(p => p.Kind == PieceKind.Function).ToLookup(p => p.Name);
        foreach (var cold in Pieces.Where(p => p.Kind == PieceKind.ColdPart))
        {
            var parents = functions[SymbolNames.ParentOfCold(cold.Name)].ToList();
            if (parents.Count != 1)
            {
                problems.Add(
                    new(DiffProblems.MalformedObject, $"{Name}: {parents.Count} functions could be the parent of {cold.Name}")
                );
                continue;
            }

            cold.Parent = parents[0];
            parents[0].Cold = cold;
        }
    }
}
