using System.Globalization;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Escape;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;
using Elivepatch.Model;

namespace Elivepatch.Engine.Link;

/// <summary>
/// Puts the included pieces of all units and the glue into one object. In: units, then the list of patched functions and the
/// compiled glue. Out: a <see cref="CombinedModule"/> in which every reference leads either to a piece in it or to a named symbol
/// of the running kernel.
/// </summary>
public sealed class Combine
{
    private const string EndMarks = ".discard.unreachable";

    // STATIC_CALL_TRAMP_PREFIX, include/linux/static_call_types.h.
    private const string Trampoline = "__SCT__";

    private readonly ReferenceResolver resolver;
    private readonly Architecture architecture;
    private readonly KernelObjects objects;
    private readonly ModuleBuilder builder;
    private readonly List<Problem> problems = [];
    private readonly Dictionary<Piece, (ModuleBuilder.Place Place, ElfSymbol? Symbol)> placed = [];
    private readonly Dictionary<(ElfSection Table, ulong Offset), ModuleBuilder.Place> placedEntries = [];
    private readonly Dictionary<(string ObjectName, string Name), ElfSymbol> newGlobals = [];
    private readonly HashSet<string> localNames = [];
    private readonly Dictionary<string, (KernelReference Reference, string User, ElfSymbol Symbol)> kernelSymbols = [];
    private readonly Dictionary<string, LivepatchUse> aliases = [];
    private readonly HashSet<ElfSymbol> neverReturning = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, ElfSymbol> glueNames = [];
    private readonly Dictionary<string, (string Section, string Symbol)> shiftedCode = [];
    private readonly List<RuntimeShift> shifts = [];
    private readonly SortedDictionary<string, KernelReference> references = new(StringComparer.Ordinal);
    private readonly List<string> leftOut = [];

    private Combine(ReferenceResolver resolver, Architecture architecture)
    {
        this.resolver = resolver;
        objects = resolver.Objects;
        this.architecture = architecture;
        builder = new(architecture);
    }

    /// <summary>All references to the running kernel, by name.</summary>
    public IReadOnlyList<KernelReference> References => [.. references.Values];

    /// <summary>Shift counts that the glue has to write.</summary>
    public IReadOnlyList<RuntimeShift> Shifts => shifts;

    /// <summary>What the new code does without, in words.</summary>
    public IReadOnlyList<string> LeftOut => leftOut;

    /// <summary>
    /// Places the pieces and resolves their references; the glue, which depends on both, comes with <see cref="Finish"/>.
    /// </summary>
    /// <param name="units">The units.</param>
    /// <param name="resolver">How they refer to the running kernel.</param>
    public static Outcome<Combine> Start(IReadOnlyList<LinkUnit> units, ReferenceResolver resolver)
    {
        var combine = new Combine(resolver, units[0].Inclusion.Diff.Correlation.After.Architecture);
        foreach (var unit in units)
        {
            combine.Place(unit);
            combine.PlaceEntries(unit);
        }

        foreach (var unit in units)
        {
            combine.Relocate(unit);
        }

        combine.AddStaticCallKeys();
        return combine.problems.Count > 0 ? Outcome<Combine>.Failure(combine.problems) : combine;
    }

    /// <summary>
    /// Finds what of the pieces the kernel may hold when the livepatch is disabled: the glue depends on whether there is
    /// something.
    /// </summary>
    public EscapeFindings FindEscapes(IReadOnlyList<PatchedFunction> patched)
    {
        var found = Escape.FindEscapes.Run(
            architecture,
            builder.Snapshot(),
            patched.Select(p => placed[p.Change.After]).Select(p => (p.Place.Section.Name, p.Symbol!.Value)),
            coldPartsKeepNames: false
        );

        // Two units with a static function of one name must not meet in one object; people know it by its own.
        var names = placed
            .Where(p => p.Key.IsCode && p.Value.Symbol is not null)
            .ToDictionary(p => p.Value.Symbol!.Name, p => p.Key.Name);
        return found with
        {
            Escapes = [.. found.Escapes.Select(e => e with { Function = Plain(e.Function), Address = Plain(e.Address) })],
            Computed = found.Computed.Select(c => (Plain(c.Function), Plain(c.Address))).ToHashSet(),
        };

        string Plain(string name) => names.GetValueOrDefault(name, name);
    }

    /// <summary>Adds the compiled glue and completes the object.</summary>
    /// <param name="patched">The functions that are diverted.</param>
    /// <param name="glue">The glue.</param>
    /// <param name="noReturns">Names of functions of which the kernel's objtool knows that they never return.</param>
    public CombinedModule Finish(IReadOnlyList<PatchedFunction> patched, ElfObject glue, IReadOnlyList<string> noReturns)
    {
        AddGlue(glue);
        NameKernelSymbols(noReturns);
        var news = patched.ToDictionary(p => p.NewSymbol, p => NameOf(placed[p.Change.After]));
        foreach (var (name, function) in shiftedCode)
        {
            news.Add(name, function);
        }

        return new(builder.Finish(), aliases, news);
    }

    private static (string Section, string Symbol) NameOf((ModuleBuilder.Place Place, ElfSymbol? Symbol) placed) =>
        (placed.Place.Section.Name, placed.Symbol!.Name);

    private void Place(LinkUnit unit)
    {
        foreach (var piece in unit.Inclusion.Pieces.Where(p => p.Kind != PieceKind.ColdPart))
        {
            Place(unit, piece);
            if (piece.Cold is { } cold)
            {
                Place(unit, cold);
            }
        }
    }

    private void Place(LinkUnit unit, Piece piece)
    {
        var inclusion = unit.Inclusion;
        var place = builder.Append(piece.Section, SectionNameFor(piece), piece.Bytes, piece.Size, piece.Alignment);
        var symbol = IsNamed(piece) ? SymbolFor(unit, piece, place) : null;
        placed[piece] = (place, symbol);
        if (
            symbol is not null
            && piece.IsGlobal
            && inclusion.Diff.Correlation.BeforeOf(piece) is null
            && !newGlobals.TryAdd((unit.Placement.Target.ObjectName, piece.Name), symbol)
        )
        {
            problems.Add(new(LinkProblems.DuplicateNewSymbol, $"{inclusion.Diff.Unit}: {piece.Name}"));
        }
    }

    // Objtool takes data for a jump table only where no symbol names it and the section's symbol refers to it.
    private static bool IsNamed(Piece piece) =>
        piece.Kind is PieceKind.Function or PieceKind.ColdPart
        || (piece.Kind == PieceKind.Variable && (piece.IsGlobal || piece.LabelledFunctions.Count == 0));

    // Every function has a section of its own, also where it had to share one: its name identifies it through the link. Its cold
    // part comes right behind it there: ColdParts says why.
    private string SectionNameFor(Piece piece)
    {
        if (piece.Kind == PieceKind.ColdPart)
        {
            return placed[piece.Parent!].Place.Section.Name;
        }

        if (piece.Kind != PieceKind.Function)
        {
            return piece.Section.Name;
        }

        var name = ".text." + piece.Name;
        for (var i = 1; builder.HasSection(name); i++)
        {
            name = string.Create(CultureInfo.InvariantCulture, $".text.{piece.Name}.unit{i}");
        }

        return name;
    }

    // Objtool pairs a cold part with its parent by name: two units with a static function of one name must not meet.
    // What has the name of a global of the kernel by chance, a new static or anything of another object than that, must not look
    // like a second definition of it.
    private ElfSymbol SymbolFor(LinkUnit unit, Piece piece, ModuleBuilder.Place place)
    {
        var home = unit.Placement.Target;
        var isNewStatic = !piece.IsGlobal && unit.Inclusion.Diff.Correlation.BeforeOf(piece) is null;
        var isShared =
            (isNewStatic && ReferenceResolver.HasGlobal(home, piece.Name))
            || objects
                .Modules.Append<PatchTarget>(objects.Vmlinux)
                .Any(o => o.ObjectName != home.ObjectName && ReferenceResolver.HasGlobal(o, piece.Name));
        var name = isShared ? piece.Name + ".static" : piece.Name;
        if (piece.Kind == PieceKind.ColdPart)
        {
            name = placed[piece.Parent!].Symbol!.Name + SymbolNames.ColdSuffix;
        }

        for (var i = 1; !localNames.Add(name) && piece.Kind != PieceKind.Variable; i++)
        {
            name = string.Create(CultureInfo.InvariantCulture, $"{piece.Name}.unit{i}");
        }

        var symbol = new ElfSymbol(name)
        {
            Type = piece.Kind == PieceKind.Variable ? ElfSymbolType.Object : ElfSymbolType.Function,
            Place = ElfSymbolPlace.Section,
            Section = place.Section,
            Value = place.Offset + (piece.Anchor - piece.Start),
            Size = piece.End - piece.Anchor,
        };
        builder.Object.Symbols.Add(symbol);
        return symbol;
    }

    // Code may refer to them before they are written. What speaks of a runtime constant is written into the code instead.
    private void PlaceEntries(LinkUnit unit)
    {
        foreach (var entry in unit.Inclusion.Pieces.SelectMany(p => p.Entries))
        {
            if (RuntimeConstants.VariableOf(entry.Table.Name) is null)
            {
                placedEntries[(entry.Table, entry.Offset)] = builder.Append(
                    entry.Table,
                    entry.Table.Name,
                    entry.Bytes,
                    entry.Size,
                    AlignmentOf(entry)
                );
            }
        }
    }

    private static ulong AlignmentOf(TableEntry entry) =>
        entry.Table.Alignment > 0 && entry.Size % entry.Table.Alignment == 0 ? entry.Table.Alignment : 1;

    private void Relocate(LinkUnit unit)
    {
        foreach (var piece in unit.Inclusion.Pieces)
        {
            var place = placed[piece].Place;
            NoteTracepoints(unit, piece);
            foreach (var reference in piece.References.Where(r => IsWithin(unit, r, piece.Size, piece.Name)))
            {
                Relocate(unit, reference, unit.Inclusion.DestinationOf(reference), place.Section, place.Offset);
                MarkEnd(unit, reference, place);
            }

            foreach (var entry in piece.Entries)
            {
                if (RuntimeConstants.VariableOf(entry.Table.Name) is { } variable)
                {
                    if (RuntimeConstants.IsShiftTable(entry.Table.Name))
                    {
                        ShiftByRuntimeConstant(unit, piece, entry, variable);
                    }
                    else
                    {
                        LoadRuntimeConstant(unit, piece, entry, variable);
                    }

                    continue;
                }

                var at = placedEntries[(entry.Table, entry.Offset)];
                foreach (var reference in entry.References.Where(r => IsWithin(unit, r, entry.Size, entry.Table.Name)))
                {
                    Relocate(unit, reference, unit.Inclusion.DestinationOfEntry(reference), at.Section, at.Offset);
                }
            }
        }
    }

    // Its entry goes when objtool has seen where it leads.
    private void NoteTracepoints(LinkUnit unit, Piece piece) =>
        leftOut.AddRange(
            piece
                .Entries.Select(e => ModuleKeys.Of(e, unit, resolver))
                .Where(k => k?.Tracepoint is not null)
                .Select(k =>
                    $"{unit.Inclusion.Diff.Unit}: {(piece.Parent ?? piece).Name} no longer reaches the tracepoint {k!.Tracepoint} of {k.Module}"
                )
        );

    // Objtool does not see that a static function of the kernel never returns. It knows others by their names
    // (tools/objtool/noreturns.h); before 6.13, and in older versions of stable kernels, also by what annotate_unreachable()
    // leaves (include/linux/compiler.h).
    private void MarkEnd(LinkUnit unit, Reference reference, ModuleBuilder.Place place)
    {
        if (
            reference is not { IsCall: true, Piece: { Kind: PieceKind.Function } callee }
            || unit.Inclusion.Contains(callee)
            || !NoReturn.NeverReturns(architecture, callee)
        )
        {
            return;
        }

        if (Target(unit, reference, unit.Inclusion.DestinationOf(reference))?.Symbol is { } end)
        {
            neverReturning.Add(end);
        }

        const int size = sizeof(int);
        var at = builder.Append(new(EndMarks, ElfSectionType.ProgBits), EndMarks, new byte[size], size, alignment: 1);
        builder.Relocate(
            at.Section,
            at.Offset,
            architecture.Relative,
            place.SectionSymbol,
            (long)(place.Offset + reference.Offset) + reference.Bias
        );
    }

    // Data whose symbol is too short: what lies behind it is something else.
    private bool IsWithin(LinkUnit unit, Reference reference, ulong size, string name)
    {
        if (reference.Type.FitsInto(reference.Offset, size))
        {
            return true;
        }

        problems.Add(
            new(
                DiffProblems.UnreadableCode,
                $"{unit.Inclusion.Diff.Unit}: the reference to {reference.TargetName} is not all within {name}"
            )
        );
        return false;
    }

    private void Relocate(LinkUnit unit, Reference reference, Destination destination, ElfSection section, ulong start)
    {
        if (reference.FieldSize == 0)
        {
            problems.Add(
                new(LinkProblems.UnsupportedRelocation, $"{unit.Inclusion.Diff.Unit}: {reference.Type} to {reference.TargetName}")
            );
            return;
        }

        if (Target(unit, reference, destination) is not { } target)
        {
            return;
        }

        builder.Relocate(
            section,
            start + reference.Offset,
            reference.Type,
            target.Symbol,
            target.Offset + reference.Displacement - reference.Bias
        );
    }

    private void LoadRuntimeConstant(LinkUnit unit, Piece piece, TableEntry entry, string variable)
    {
        var immediate = entry.References[0].Displacement + (long)(piece.Anchor - piece.Start);
        if (architecture.RuntimeConstants.LoadInstead(piece.Bytes, immediate) is not { } load)
        {
            problems.Add(
                new(
                    DiffProblems.UnreadableCode,
                    $"{unit.Inclusion.Diff.Unit}: {piece.Name}+0x{immediate:x} is not an immediate of {entry.Table.Name}"
                )
            );
            return;
        }

        if (ResolveRuntimeConstant(unit, OwnVariable(unit, variable), variable) is not { } kernel)
        {
            return;
        }

        var place = placed[piece].Place;
        var start = place.Offset + (ulong)load.Start;
        builder.Overwrite(place.Section, start, load.Bytes);
        builder.Relocate(
            place.Section,
            start + (ulong)load.Field,
            architecture.RelativeOperand,
            SymbolFor(kernel, unit),
            -load.Bias
        );
    }

    // The variable may be the unit's own and static.
    private static Piece? OwnVariable(LinkUnit unit, string name) =>
        unit.Inclusion.Diff.Correlation.Before.Pieces.Find(p => p.Kind == PieceKind.Variable && p.Name == name);

    private KernelReference? ResolveRuntimeConstant(LinkUnit unit, Piece? own, string name)
    {
        var resolved = own is not null
            ? resolver.Resolve(own, unit.Placement)
            : resolver.Resolve(new ElfSymbol(name), unit.Placement.Target, unit.Inclusion.Diff.Unit);
        if (resolved.TryGet(out var kernel))
        {
            return kernel;
        }

        problems.AddRange(resolved.Problems);
        return null;
    }

    private void ShiftByRuntimeConstant(LinkUnit unit, Piece piece, TableEntry entry, string variable)
    {
        var count = entry.References[0].Displacement + (long)(piece.Anchor - piece.Start);
        var own = OwnVariable(unit, variable);
        if (
            !architecture.RuntimeConstants.IsShift(piece.Section, piece.Start, piece.End, piece.Start + (ulong)count)
            || own?.Size is not (1 or 2 or 4 or 8)
        )
        {
            problems.Add(
                new(
                    DiffProblems.UnreadableCode,
                    $"{unit.Inclusion.Diff.Unit}: {piece.Name}+0x{count:x} is not a shift by {entry.Table.Name}"
                )
            );
            return;
        }

        if (
            ResolveRuntimeConstant(unit, own, variable) is not { } value
            || ResolveRuntimeConstant(unit, null, GlueSource.WriteCode) is not { } write
        )
        {
            return;
        }

        var function = placed[piece.Parent ?? piece];
        var offset = placed[piece].Place.Offset + (ulong)count - function.Symbol!.Value;
        var shift = new RuntimeShift(Numbered("elivepatch_code_"), offset, Numbered("elivepatch_value_"), own.Size);
        shifts.Add(shift);
        shiftedCode[shift.CodeSymbol] = NameOf(function);
        glueNames[shift.ValueSymbol] = SymbolFor(value, unit);
        glueNames[GlueSource.WriteCode] = SymbolFor(write, unit);

        string Numbered(string name) => name + shifts.Count.ToString(CultureInfo.InvariantCulture);
    }

    private (ElfSymbol Symbol, long Offset)? Target(LinkUnit unit, Reference reference, Destination destination)
    {
        var inclusion = unit.Inclusion;
        if (reference.Piece is { Kind: PieceKind.TableEntry } entry)
        {
            var at = placedEntries[(entry.Section, entry.Start)];
            return (at.SectionSymbol, (long)at.Offset);
        }

        if (destination == Destination.Livepatch)
        {
            var (place, symbol) = placed[reference.Piece!];
            if (symbol is null)
            {
                return (place.SectionSymbol, (long)place.Offset);
            }

            // Objtool takes a jump to a function's symbol for a tail call, also within a function or to its cold part.
            var isInside = reference.Piece!.IsCode && (reference.Displacement != 0 || reference.Piece.Kind == PieceKind.ColdPart);
            return isInside ? (place.SectionSymbol, (long)symbol.Value) : (symbol, 0);
        }

        if (reference.Piece is null && reference.External is { } external && NewGlobal(unit, external.Name) is { } added)
        {
            return (added, 0);
        }

        var resolved = reference.Piece is { } piece
            ? resolver.Resolve(inclusion.TwinOf(piece)!, unit.Placement)
            : resolver.Resolve(reference.External ?? new(""), unit.Placement.Target, inclusion.Diff.Unit);
        if (!resolved.TryGet(out var kernel))
        {
            problems.AddRange(resolved.Problems.Where(p => !problems.Contains(p)));
            return null;
        }

        return (SymbolFor(kernel, unit), 0);
    }

    // What the patch adds to the kernel proper is there with the livepatch; what it adds to a module calls what may not be there,
    // unless that module is needed anyway. A name that the kernel has means that one.
    private ElfSymbol? NewGlobal(LinkUnit unit, string name)
    {
        var target = unit.Placement.Target;
        if (newGlobals.TryGetValue((target.ObjectName, name), out var own))
        {
            return own;
        }

        if (target is not ModuleTarget module || ReferenceResolver.HasGlobal(target, name))
        {
            return null;
        }

        return newGlobals.TryGetValue((objects.Vmlinux.ObjectName, name), out var added)
            ? added
            : newGlobals.Where(g => g.Key.Name == name && module.Needs(g.Key.ObjectName)).Select(g => g.Value).FirstOrDefault();
    }

    private ElfSymbol SymbolFor(KernelReference reference, LinkUnit unit) =>
        SymbolFor(reference, unit.Placement.Target.ObjectName);

    private ElfSymbol SymbolFor(KernelReference reference, string user)
    {
        var key = reference.Livepatch is { } livepatch ? new LivepatchUse(livepatch, user).LinkName : reference.Name;
        references.TryAdd(reference.ToString(), reference);
        if (kernelSymbols.TryGetValue(key, out var known))
        {
            return known.Symbol;
        }

        var symbol = new ElfSymbol(reference.Name) { Binding = ElfSymbolBinding.Global };
        builder.Object.Symbols.Add(symbol);
        kernelSymbols[key] = (reference, user, symbol);
        return symbol;
    }

    // A livepatch symbol keeps its plain name, for objtool's sake, where nothing else here has that name. One that never returns
    // gets the name of another function of which objtool knows that.
    private void NameKernelSymbols(IReadOnlyList<string> noReturns)
    {
        var uses = builder
            .Object.Symbols.Where(s => s.Name.Length > 0)
            .GroupBy(s => s.Name)
            .ToDictionary(g => g.Key, g => g.Count());
        var free = new Queue<string>(noReturns.Where(n => !uses.ContainsKey(n)));
        foreach (var (reference, user, symbol) in kernelSymbols.Values)
        {
            if (reference.Livepatch is not { } livepatch)
            {
                continue;
            }

            var use = new LivepatchUse(livepatch, user);
            if (neverReturning.Contains(symbol) && free.TryDequeue(out var known))
            {
                symbol.Name = known;
            }
            else if (uses[symbol.Name] > 1 || IsTrampolineOfModule(reference))
            {
                symbol.Name = use.LinkName;
            }

            aliases[symbol.Name] = use;
        }
    }

    // A static call of a module goes by its trampoline, which static_call_update() turns first (kernel/static_call_inline.c).
    // Under its own name objtool would make an entry of .static_call_sites, whose key the kernel asks before the module is there.
    private static bool IsTrampolineOfModule(KernelReference reference) =>
        IsTrampoline(reference) && reference.Module is not null;

    private static bool IsTrampoline(KernelReference reference) =>
        reference.Name.StartsWith(Trampoline, StringComparison.Ordinal);

    // Objtool makes the static call table and finds the key of a trampoline by its name.
    private void AddStaticCallKeys()
    {
        const string key = "__SCK__";
        foreach (
            var name in references.Values.Where(r => IsTrampoline(r) && !IsTrampolineOfModule(r)).Select(r => r.Name).ToList()
        )
        {
            var resolved = resolver.Resolve(new ElfSymbol(key + name[Trampoline.Length..]), objects.Vmlinux, "static call");
            if (resolved.TryGet(out var reference))
            {
                SymbolFor(reference, objects.Vmlinux.ObjectName);
            }
            else
            {
                problems.AddRange(resolved.Problems);
            }
        }
    }

    private void AddGlue(ElfObject glue)
    {
        var copies = new Dictionary<ElfSection, ModuleBuilder.Place>();
        foreach (var section in glue.Sections.Where(s => s is not (ElfRelocationSection or ElfGroupSection) && !IsToolOnly(s)))
        {
            copies[section] = builder.Append(section, section.Name, section.Content, section.Size, section.Alignment);
        }

        var symbols = new Dictionary<ElfSymbol, ElfSymbol>();
        foreach (var symbol in glue.Symbols.Where(s => s is { IsSectionSymbol: false, Type: not ElfSymbolType.File }))
        {
            if (symbol.IsDefined && !copies.ContainsKey(symbol.Section!))
            {
                continue;
            }

            if (!symbol.IsDefined && (ExportNamed(symbol.Name) ?? glueNames.GetValueOrDefault(symbol.Name)) is { } known)
            {
                symbols[symbol] = known;
                continue;
            }

            var copy = new ElfSymbol(symbol.Name)
            {
                Binding = symbol.Binding,
                Type = symbol.Type,
                Other = symbol.Other,
                Place = symbol.Place,
                Size = symbol.Size,
                Value = symbol.Value,
            };
            if (symbol.IsDefined)
            {
                (copy.Section, copy.Value) = (copies[symbol.Section!].Section, copies[symbol.Section!].Offset + symbol.Value);
            }

            symbols[symbol] = copy;
            builder.Object.Symbols.Add(copy);
        }

        foreach (var (section, place) in copies)
        {
            foreach (var relocation in section.Relocations?.Entries ?? [])
            {
                if (relocation.Symbol is not { } symbol)
                {
                    continue;
                }

                var (target, shift) =
                    symbol is { IsSectionSymbol: true } && copies.TryGetValue(symbol.Section!, out var home)
                        ? (home.SectionSymbol, (long)home.Offset)
                        : (symbols[symbol], 0);
                builder.Relocate(
                    place.Section,
                    place.Offset + relocation.Offset,
                    architecture.TypeOf(relocation),
                    target,
                    relocation.Addend + shift
                );
            }
        }
    }

    private ElfSymbol? ExportNamed(string name) =>
        kernelSymbols.TryGetValue(name, out var known) && known.Reference.Livepatch is null ? known.Symbol : null;

    private static bool IsToolOnly(ElfSection section) =>
        section.Name.StartsWith(".debug", StringComparison.Ordinal) || section.Name is ".comment" or ".note.GNU-stack";
}
