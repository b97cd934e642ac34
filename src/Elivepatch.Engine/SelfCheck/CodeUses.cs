// In: a module. Out: what its instructions do with every address that a relocation gives them. Decoding begins anew at every
// function symbol, so that what lies between functions cannot put it out of step.
using Elivepatch.Elf;
using Elivepatch.Engine.Units;
using Iced.Intel;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>Reads the code of a module.</summary>
internal sealed class CodeUses
{
    private readonly InstructionInfoFactory information = new();
    private readonly List<CodeUse> uses = [];
    private readonly List<CodeUse> perCpuSums = [];

    private CodeUses()
    {
    }

    /// <summary>All relocated fields of instructions, in file order.</summary>
    public IReadOnlyList<CodeUse> All => uses;

    /// <summary>
    /// Those whose address the code adds to the base of a per-processor area: <c>this_cpu_ptr()</c> and
    /// <c>per_cpu_ptr()</c>.
    /// </summary>
    public IReadOnlyList<CodeUse> PerCpuSums => perCpuSums;

    /// <summary>Reads all code that stays loaded.</summary>
    public static CodeUses Read(ElfObject elf)
    {
        var read = new CodeUses();
        var functions = elf.Symbols.Where(s => s is { IsDefined: true, IsFunction: true } && s.Section!.Has(ElfSectionFlags.Execute))
            .ToLookup(s => s.Section!);
        var relocated = elf.RelocationSections.Where(s => s.Target.Has(ElfSectionFlags.Execute | ElfSectionFlags.Alloc));
        foreach (var sections in relocated.GroupBy(s => s.Target))
            read.ReadSection(sections.Key, [.. sections], [.. functions[sections.Key].OrderBy(s => s.Value).DistinctBy(s => s.Value)]);
        return read;
    }

    private void ReadSection(ElfSection code, IReadOnlyList<ElfRelocationSection> sections, IReadOnlyList<ElfSymbol> functions)
    {
        var fields = new Dictionary<ulong, (ElfRelocationSection, ElfRelocation)>();
        foreach (var section in sections)
        {
            foreach (var relocation in section.Entries)
                fields.TryAdd(relocation.Offset, (section, relocation));
        }

        for (var i = 0; i < functions.Count; i++)
        {
            var (start, end) = (functions[i].Value, i + 1 < functions.Count ? functions[i + 1].Value : code.Size);
            if (start < end && end <= (ulong)code.Content.Length)
                ReadFunction(code, functions[i].Name, start, end, fields);
        }
    }

    private void ReadFunction(
        ElfSection code, string function, ulong start, ulong end,
        Dictionary<ulong, (ElfRelocationSection Section, ElfRelocation Relocation)> fields)
    {
        var known = new RegisterAddresses();
        foreach (var (instruction, constants) in InstructionFields.Decode(code, start, end))
        {
            CodeUse? use = null;
            foreach (var (offset, isImmediate) in FieldsOf(instruction, constants))
            {
                if (!fields.TryGetValue(offset, out var field))
                    continue;
                use = Use(instruction, offset, isImmediate, field.Section, field.Relocation, function);
                uses.Add(use);
            }

            if (known.Step(instruction, use, information) is { } sum)
                perCpuSums.Add(sum);
        }
    }

    private static IEnumerable<(ulong Offset, bool IsImmediate)> FieldsOf(Instruction instruction, ConstantOffsets constants)
    {
        if (constants.HasDisplacement)
            yield return (instruction.IP + constants.DisplacementOffset, false);
        if (constants.HasImmediate)
            yield return (instruction.IP + constants.ImmediateOffset, true);
    }

    private CodeUse Use(
        in Instruction instruction, ulong offset, bool isImmediate, ElfRelocationSection section, ElfRelocation relocation,
        string function)
    {
        var bias = Reference.IsPcRelative(relocation.Type) ? (int)(instruction.NextIP - offset) : 0;
        if (InstructionFields.IsNearBranch(instruction))
            return new(section, relocation, function, AddressUse.Branch, Writes: false, IsPerCpu: false, bias);
        if (isImmediate || instruction.Mnemonic == Mnemonic.Lea)
            return new(section, relocation, function, AddressUse.Value, Writes: false, IsPerCpu: false, bias);
        var isPlain = instruction.IsIPRelativeMemoryOperand
            || (instruction.MemoryBase == Register.None && instruction.MemoryIndex == Register.None);
        var isPerCpu = instruction.MemorySegment == Register.GS;
        var writes = false;
        foreach (var memory in information.GetInfo(instruction).GetUsedMemory())
            writes |= memory.Access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite;
        return new(section, relocation, function, isPlain ? AddressUse.Access : AddressUse.Indexed, writes, isPerCpu, bias);
    }

    /// <summary>
    /// Follows addresses through registers from one branch to the next, as far as per-processor pointers are made: the compiler
    /// keeps the two parts of the sum close together.
    /// </summary>
    private sealed class RegisterAddresses
    {
        private const string ThisProcessor = "this_cpu_off", EachProcessor = "__per_cpu_offset";

        private readonly Dictionary<Register, CodeUse> addresses = [];
        private readonly HashSet<Register> bases = [];

        /// <summary>Takes one instruction; gives the address that it adds to the base of a per-processor area, or null.</summary>
        public CodeUse? Step(in Instruction instruction, CodeUse? use, InstructionInfoFactory information)
        {
            CodeUse? sum = null;
            var target = RegisterOf(instruction, 0);
            var source = RegisterOf(instruction, 1);
            var isBase = use is not null && IsBase(use);
            if (instruction.Mnemonic == Mnemonic.Add && isBase)
                sum = addresses.GetValueOrDefault(target);
            else if (instruction.Mnemonic == Mnemonic.Add && bases.Contains(source))
                sum = addresses.GetValueOrDefault(target);
            else if (instruction.Mnemonic == Mnemonic.Add && bases.Contains(target))
                sum = use is { Use: AddressUse.Value } ? use : addresses.GetValueOrDefault(source);
            else if (use is { Use: AddressUse.Indexed } or { Use: AddressUse.Value } && bases.Contains(instruction.MemoryBase.GetFullRegister()))
                sum = use;

            var moved = instruction.Mnemonic == Mnemonic.Mov && source != Register.None ? addresses.GetValueOrDefault(source) : null;
            var movesBase = instruction.Mnemonic == Mnemonic.Mov && bases.Contains(source);
            foreach (var register in information.GetInfo(instruction).GetUsedRegisters())
            {
                if (register.Access is OpAccess.Read or OpAccess.CondRead or OpAccess.None or OpAccess.NoMemAccess)
                    continue;
                addresses.Remove(register.Register.GetFullRegister());
                bases.Remove(register.Register.GetFullRegister());
            }

            if (instruction.FlowControl != FlowControl.Next)
            {
                addresses.Clear();
                bases.Clear();
            }
            else if (target != Register.None && instruction.Mnemonic is Mnemonic.Mov or Mnemonic.Lea)
            {
                if (use is { Use: AddressUse.Value } && instruction.MemoryBase is Register.None or Register.RIP)
                    addresses[target] = use;
                else if (moved is not null)
                    addresses[target] = moved;
                if ((isBase && instruction.Mnemonic == Mnemonic.Mov) || movesBase)
                    bases.Add(target);
            }

            return sum;
        }

        private static Register RegisterOf(in Instruction instruction, int operand) =>
            operand < instruction.OpCount && instruction.GetOpKind(operand) == OpKind.Register
                ? instruction.GetOpRegister(operand).GetFullRegister()
                : Register.None;

        private static bool IsBase(CodeUse use) => use.Relocation.Symbol is { } symbol && NameOf(symbol) switch
        {
            ThisProcessor => use is { IsPerCpu: true, Use: AddressUse.Access },
            EachProcessor => use.Use == AddressUse.Indexed,
            _ => false,
        };

        private static string NameOf(ElfSymbol symbol) => Link.LivepatchSymbol.TryParse(symbol.Name)?.Name ?? symbol.Name;
    }
}
