using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Escape;

/// <summary>A place in code.</summary>
internal readonly record struct CodePlace(ElfSection Section, ulong Offset)
{
    public override string ToString() => $"{Section.Name}+0x{Offset:x}";
}

/// <summary>One instruction with what its relocated fields mean.</summary>
/// <param name="Code">The instruction.</param>
/// <param name="Place">Where it is.</param>
/// <param name="Next">The place behind it.</param>
/// <param name="Immediate">What of the module its immediate is the address of.</param>
/// <param name="Displacement">What of the module the displacement of its memory operand is the address of.</param>
/// <param name="Target">For a near branch its target in this module.</param>
/// <param name="External">For a near branch the name of its target elsewhere.</param>
internal sealed record CodeInstruction(
    MachineInstruction Code,
    CodePlace Place,
    CodePlace Next,
    OwnAddress? Immediate,
    OwnAddress? Displacement,
    CodePlace? Target,
    string? External
);

/// <summary>A function of the module.</summary>
/// <param name="Name">Its symbol.</param>
/// <param name="Entry">Its first instruction.</param>
/// <param name="End">First byte behind it.</param>
internal sealed record CodeFunction(string Name, CodePlace Entry, ulong End)
{
    /// <summary>True for the rarely executed part of another function: reached by jumps that are no calls.</summary>
    public bool IsCold => SymbolNames.IsCold(Name);
}

/// <summary>
/// The code of a module, decoded once: its functions, its instructions, and the jumps that tables describe instead of
/// instructions.
/// </summary>
internal sealed class ModuleCode
{
    private readonly Architecture architecture;
    private readonly ModuleAddresses addresses;
    private readonly Dictionary<CodePlace, CodeInstruction> instructions = [];
    private readonly Dictionary<CodePlace, CodeFunction> entries = [];
    private readonly Dictionary<CodePlace, List<CodePlace>> tableJumps = [];
    private readonly Dictionary<CodePlace, CodePlace> originals = [];

    public ModuleCode(Architecture architecture, ElfObject elf, ModuleAddresses addresses)
    {
        this.architecture = architecture;
        this.addresses = addresses;
        foreach (var section in elf.Sections.Where(s => s.Has(ElfSectionFlags.Alloc | ElfSectionFlags.Execute)))
        {
            foreach (var symbol in addresses.SymbolsOf(section).Where(s => s.IsFunction && s.Size > 0 && s.Value < section.Size))
            {
                var place = new CodePlace(section, symbol.Value);
                entries.TryAdd(place, new(symbol.Name, place, Math.Min(symbol.Value + symbol.Size, section.Size)));
            }
        }

        Functions = [.. entries.Values];
        foreach (var function in Functions)
        {
            Decode(function);
        }

        foreach (var section in elf.Sections.Where(s => s.Name is SectionRules.ExceptionTable or SectionRules.JumpTable))
        {
            ReadJumps(addresses.RelocationsOf(section));
        }

        foreach (var section in elf.Sections.Where(s => s.Name == SectionRules.Alternatives))
        {
            ReadAlternatives(section, addresses.RelocationsOf(section));
        }
    }

    public IReadOnlyList<CodeFunction> Functions { get; }

    /// <summary>
    /// False where there is code that nobody can say the extent of: replacements of alternatives in entries of a size that no
    /// kernel has.
    /// </summary>
    public bool IsComplete { get; private set; } = true;

    /// <summary>All instructions, in the order of functions.</summary>
    public IReadOnlyCollection<CodeInstruction> Instructions => instructions.Values;

    public CodeInstruction? At(CodePlace place) => instructions.GetValueOrDefault(place);

    /// <summary>The function that begins exactly here.</summary>
    public CodeFunction? FunctionAt(CodePlace place) => entries.GetValueOrDefault(place);

    /// <summary>The function that a place is part of; for a replacement that of the instruction that it replaces.</summary>
    public CodeFunction FunctionOf(CodePlace place)
    {
        var home = originals.GetValueOrDefault(place, place);
        return Functions.First(f => f.Entry.Section == home.Section && f.Entry.Offset <= home.Offset && home.Offset < f.End);
    }

    /// <summary>
    /// Where a table says that an instruction may go: a static branch, a fault, or what the kernel writes in its place on a
    /// processor with some feature.
    /// </summary>
    public IReadOnlyList<CodePlace> TableJumps(CodePlace from) => tableJumps.TryGetValue(from, out var found) ? found : [];

    private void Decode(CodeFunction function)
    {
        foreach (var (code, place, immediate, displacement) in Read(function.Entry, function.End))
        {
            instructions.TryAdd(place, Describe(code, place, place with { Offset = code.End }, immediate, displacement));
        }
    }

    // Instructions with their relocations.
    private IEnumerable<(MachineInstruction Code, CodePlace Place, ElfRelocation? Immediate, ElfRelocation? Displacement)> Read(
        CodePlace start,
        ulong end
    )
    {
        var section = start.Section;
        var relocations = addresses
            .RelocationsOf(section)
            .Where(r => r.Offset >= start.Offset && r.Offset < end)
            .GroupBy(r => r.Offset)
            .ToDictionary(g => g.Key, g => g.First());
        foreach (var code in architecture.Decode(section, start.Offset, end))
        {
            var immediate = code.Immediate is { } i ? relocations.GetValueOrDefault(i.Offset) : null;
            var displacement = code.Displacement is { } d ? relocations.GetValueOrDefault(d.Offset) : null;
            yield return (code, new(section, code.Offset), immediate, displacement);
        }
    }

    private CodeInstruction Describe(
        MachineInstruction code,
        CodePlace place,
        CodePlace behind,
        ElfRelocation? immediate,
        ElfRelocation? displacement
    )
    {
        if (code.Target is { } near)
        {
            if (immediate?.Symbol is not { } symbol)
            {
                return new(code, place, behind, null, null, place with { Offset = near }, null);
            }

            return symbol is { IsDefined: true, Section: { } home }
                ? new(
                    code,
                    place,
                    behind,
                    null,
                    null,
                    new(home, unchecked(symbol.Value + (ulong)(immediate.Addend + Bias(immediate, code.Immediate)))),
                    null
                )
                : new(code, place, behind, null, null, null, LivepatchSymbol.TryParse(symbol.Name)?.Name ?? symbol.Name);
        }

        // Inside one section the assembler knows the distance and leaves no relocation.
        var relative = code.Memory?.Place;
        var memory =
            displacement is not null
                ? addresses.Target(displacement, relative is not null ? Bias(displacement, code.Displacement) : 0)
            : relative is { } here ? addresses.Find(place.Section, here, null)
            : null;
        return new(code, place, behind, immediate is null ? null : addresses.Target(immediate, 0), memory, null, null);
    }

    private long Bias(ElfRelocation relocation, InstructionField? field) =>
        architecture.TypeOf(relocation).IsPcRelative ? field?.Bias ?? 0 : 0;

    // struct exception_table_entry { insn, fixup, ... } and struct jump_entry { code, target, key }: the first field names the
    // instruction, the second where it may go. What follows is no code of the module.
    private void ReadJumps(IReadOnlyList<ElfRelocation> relocations)
    {
        for (var i = 0; i + 1 < relocations.Count; i++)
        {
            if (PlaceOf(relocations[i]) is not { } from || PlaceOf(relocations[i + 1]) is not { } to)
            {
                continue;
            }

            AddJump(from, to);
            i++;
        }
    }

    private void AddJump(CodePlace from, CodePlace to)
    {
        if (!tableJumps.TryGetValue(from, out var targets))
        {
            tableJumps[from] = targets = [];
        }

        targets.Add(to);
    }

    // struct alt_instr { s32 instr_offset, repl_offset; ... }. A replacement is one more way from the original's place to the one
    // behind it.
    private void ReadAlternatives(ElfSection table, IReadOnlyList<ElfRelocation> relocations)
    {
        relocations = [.. relocations.Where(r => !architecture.TypeOf(r).IsNone)];
        if (relocations.Count < 2)
        {
            return;
        }

        var size = table.Size / (ulong)(relocations.Count / 2);
        for (var i = 0; i + 1 < relocations.Count; i += 2)
        {
            var entry = relocations[i].Offset;
            if (
                PlaceOf(relocations[i]) is not { } original
                || PlaceOf(relocations[i + 1]) is not { } start
                || At(original) is null
                || entry > (ulong)table.Content.Length
                || size > (ulong)table.Content.Length - entry
            )
            {
                continue;
            }

            if (architecture.Alternatives.LengthsOf(table.Content.AsSpan((int)entry, (int)size)) is not { } lengths)
            {
                IsComplete = false;
                continue;
            }

            var behind = original with { Offset = original.Offset + (ulong)lengths.Original };
            var end = start.Offset + (ulong)lengths.Replacement;
            if (end == start.Offset || end > (ulong)start.Section.Content.Length)
            {
                AddJump(original, behind);
                continue;
            }

            AddJump(original, start);
            foreach (var (code, place, immediate, displacement) in Read(start, end))
            {
                instructions.TryAdd(
                    place,
                    Describe(code, place, code.End < end ? place with { Offset = code.End } : behind, immediate, displacement)
                );
                originals.TryAdd(place, original);
            }
        }
    }

    private static CodePlace? PlaceOf(ElfRelocation relocation) =>
        relocation.Symbol is { IsDefined: true, Section: { } section } symbol && section.Has(ElfSectionFlags.Execute)
            ? new(section, unchecked(symbol.Value + (ulong)relocation.Addend))
            : null;
}
