using Elivepatch.Elf;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.Units;
using Iced.Intel;

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
    Instruction Code, CodePlace Place, CodePlace Next, OwnAddress? Immediate, OwnAddress? Displacement, CodePlace? Target, string? External);

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
    private readonly ModuleAddresses addresses;
    private readonly Dictionary<CodePlace, CodeInstruction> instructions = [];
    private readonly Dictionary<CodePlace, CodeFunction> entries = [];
    private readonly Dictionary<CodePlace, List<CodePlace>> tableJumps = [];
    private readonly Dictionary<CodePlace, CodePlace> originals = [];

    public ModuleCode(ElfObject elf, ModuleAddresses addresses)
    {
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
            Decode(function);
        foreach (var section in elf.Sections.Where(s => s.Name is SectionRules.ExceptionTable or SectionRules.JumpTable))
            ReadJumps(addresses.RelocationsOf(section));
        foreach (var section in elf.Sections.Where(s => s.Name == SectionRules.Alternatives))
            ReadAlternatives(section, addresses.RelocationsOf(section));
    }

    public IReadOnlyList<CodeFunction> Functions { get; }

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
    /// Where a table says that an instruction may go: a static branch, a fault, or what the kernel writes in its place on a processor
    /// with some feature.
    /// </summary>
    public IReadOnlyList<CodePlace> TableJumps(CodePlace from) => tableJumps.TryGetValue(from, out var found) ? found : [];

    private void Decode(CodeFunction function)
    {
        foreach (var (code, place, next, immediate, displacement) in Read(function.Entry, function.End))
            instructions.TryAdd(place, Describe(code, place, place with { Offset = next }, next, immediate, displacement));
    }

    // Instructions with their relocations.
    private IEnumerable<(Instruction Code, CodePlace Place, ulong Next, ElfRelocation? Immediate, ElfRelocation? Displacement)> Read(
        CodePlace start, ulong end)
    {
        var section = start.Section;
        var relocations = addresses.RelocationsOf(section).Where(r => r.Offset >= start.Offset && r.Offset < end)
            .GroupBy(r => r.Offset).ToDictionary(g => g.Key, g => g.First());
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(section.Content, (int)start.Offset, (int)(end - start.Offset)));
        decoder.IP = start.Offset;
        while (decoder.IP < end)
        {
            var at = decoder.IP;
            decoder.Decode(out var code);
            var offsets = decoder.GetConstantOffsets(code);
            var immediate = offsets.HasImmediate ? relocations.GetValueOrDefault(at + offsets.ImmediateOffset) : null;
            var displacement = offsets.HasDisplacement ? relocations.GetValueOrDefault(at + offsets.DisplacementOffset) : null;
            yield return (code, new(section, at), decoder.IP, immediate, displacement);
        }
    }

    private CodeInstruction Describe(
        in Instruction code, CodePlace place, CodePlace behind, ulong next, ElfRelocation? immediate, ElfRelocation? displacement)
    {
        if (code.OpCount > 0 && code.Op0Kind == OpKind.NearBranch64)
        {
            if (immediate?.Symbol is not { } symbol)
                return new(code, place, behind, null, null, place with { Offset = code.NearBranchTarget }, null);
            return symbol is { IsDefined: true, Section: { } home }
                ? new(code, place, behind, null, null, new(home, unchecked(symbol.Value + (ulong)(immediate.Addend + Bias(immediate, next)))), null)
                : new(code, place, behind, null, null, null, LivepatchSymbol.TryParse(symbol.Name)?.Name ?? symbol.Name);
        }

        // Inside one section the assembler knows the distance and leaves no relocation.
        var memory = displacement is not null ? addresses.Target(displacement, code.IsIPRelativeMemoryOperand ? Bias(displacement, next) : 0)
            : code.IsIPRelativeMemoryOperand ? addresses.Find(place.Section, code.IPRelativeMemoryAddress, null)
            : null;
        return new(code, place, behind, immediate is null ? null : addresses.Target(immediate, 0), memory, null, null);
    }

    private static long Bias(ElfRelocation relocation, ulong next) =>
        Reference.IsPcRelative(relocation.Type) ? (long)(next - relocation.Offset) : 0;

    // struct exception_table_entry { insn, fixup, ... } and struct jump_entry { code, target, key }: the first field names the
    // instruction, the second where it may go. What follows is no code of the module.
    private void ReadJumps(IReadOnlyList<ElfRelocation> relocations)
    {
        for (var i = 0; i + 1 < relocations.Count; i++)
        {
            if (PlaceOf(relocations[i]) is not { } from || PlaceOf(relocations[i + 1]) is not { } to)
                continue;
            AddJump(from, to);
            i++;
        }
    }

    private void AddJump(CodePlace from, CodePlace to)
    {
        if (!tableJumps.TryGetValue(from, out var targets))
            tableJumps[from] = targets = [];
        targets.Add(to);
    }

    // struct alt_instr { s32 instr_offset, repl_offset; ...; u8 instrlen, replacementlen; } (arch/x86/include/asm/alternative.h). Between
    // them lie a feature and flags, which became longer in 6.3; a third length behind them was there until 5.13. A replacement is one more
    // way from the original's place to the one behind it.
    private void ReadAlternatives(ElfSection table, IReadOnlyList<ElfRelocation> relocations)
    {
        if (relocations.Count < 2)
            return;
        var size = table.Size / (ulong)(relocations.Count / 2);
        var lengths = size == 14 ? 12ul : 10ul;
        for (var i = 0; i + 1 < relocations.Count; i += 2)
        {
            var entry = relocations[i].Offset;
            if (PlaceOf(relocations[i]) is not { } original || PlaceOf(relocations[i + 1]) is not { } start || At(original) is null
                || entry + lengths + 2 > (ulong)table.Content.Length)
            {
                continue;
            }

            var behind = original with { Offset = original.Offset + table.Content[(int)(entry + lengths)] };
            var end = start.Offset + table.Content[(int)(entry + lengths) + 1];
            if (end == start.Offset || end > (ulong)start.Section.Content.Length)
            {
                AddJump(original, behind);
                continue;
            }

            AddJump(original, start);
            foreach (var (code, place, next, immediate, displacement) in Read(start, end))
            {
                instructions.TryAdd(place, Describe(code, place, next < end ? place with { Offset = next } : behind, next, immediate, displacement));
                originals.TryAdd(place, original);
            }
        }
    }

    private static CodePlace? PlaceOf(ElfRelocation relocation) =>
        relocation.Symbol is { IsDefined: true, Section: { } section } symbol && section.Has(ElfSectionFlags.Execute)
            ? new(section, unchecked(symbol.Value + (ulong)relocation.Addend))
            : null;
}
