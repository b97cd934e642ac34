// In: a module. Out: what its instructions do with every address that a relocation gives them. Decoding begins anew at every
// function symbol, so that what lies between functions cannot put it out of step.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>Reads the code of a module.</summary>
internal sealed class CodeUses
{
    private readonly Architecture architecture;
    private readonly List<CodeUse> uses = [];
    private readonly List<CodeUse> perCpuSums = [];

    private CodeUses(Architecture architecture) => this.architecture = architecture;

    /// <summary>All relocated fields of instructions, in file order.</summary>
    public IReadOnlyList<CodeUse> All => uses;

    /// <summary>
    /// Those whose address the code adds to the base of a per-processor area: <c>this_cpu_ptr()</c> and
    /// <c>per_cpu_ptr()</c>.
    /// </summary>
    public IReadOnlyList<CodeUse> PerCpuSums => perCpuSums;

    /// <summary>Reads all code that stays loaded.</summary>
    public static CodeUses Read(Architecture architecture, ElfObject elf)
    {
        var read = new CodeUses(architecture);
        var functions = elf
            .Symbols.Where(s => s is { IsDefined: true, IsFunction: true } && s.Section!.Has(ElfSectionFlags.Execute))
            .ToLookup(s => s.Section!);
        var relocated = elf.RelocationSections.Where(s => s.Target.Has(ElfSectionFlags.Execute | ElfSectionFlags.Alloc));
        foreach (var sections in relocated.GroupBy(s => s.Target))
        {
            read.ReadSection(
                sections.Key,
                [.. sections],
                [.. functions[sections.Key].OrderBy(s => s.Value).DistinctBy(s => s.Value)]
            );
        }

        return read;
    }

    private void ReadSection(ElfSection code, IReadOnlyList<ElfRelocationSection> sections, IReadOnlyList<ElfSymbol> functions)
    {
        var fields = new Dictionary<ulong, (ElfRelocationSection, ElfRelocation)>();
        foreach (var section in sections)
        {
            foreach (var relocation in section.Entries)
            {
                fields.TryAdd(relocation.Offset, (section, relocation));
            }
        }

        for (var i = 0; i < functions.Count; i++)
        {
            var (start, end) = (functions[i].Value, i + 1 < functions.Count ? functions[i + 1].Value : code.Size);
            if (start < end && end <= (ulong)code.Content.Length)
            {
                ReadFunction(code, functions[i].Name, start, end, fields);
            }
        }
    }

    private void ReadFunction(
        ElfSection code,
        string function,
        ulong start,
        ulong end,
        Dictionary<ulong, (ElfRelocationSection Section, ElfRelocation Relocation)> fields
    )
    {
        var known = new RegisterAddresses();
        foreach (var instruction in architecture.Decode(code, start, end).Where(i => i.IsValid))
        {
            CodeUse? use = null;
            foreach (var (place, isImmediate) in FieldsOf(instruction))
            {
                if (!fields.TryGetValue(place.Offset, out var field))
                {
                    continue;
                }

                use = Use(instruction, place, isImmediate, field.Section, field.Relocation, function);
                uses.Add(use);
            }

            if (known.Step(instruction, use) is { } sum)
            {
                perCpuSums.Add(sum);
            }
        }
    }

    private static IEnumerable<(InstructionField Field, bool IsImmediate)> FieldsOf(MachineInstruction instruction)
    {
        if (instruction.Displacement is { } displacement)
        {
            yield return (displacement, false);
        }

        if (instruction.Immediate is { } immediate)
        {
            yield return (immediate, true);
        }
    }

    private CodeUse Use(
        MachineInstruction instruction,
        InstructionField field,
        bool isImmediate,
        ElfRelocationSection section,
        ElfRelocation relocation,
        string function
    )
    {
        var bias = architecture.TypeOf(relocation).IsPcRelative ? field.Bias : 0;
        if (instruction.IsBranch)
        {
            return new(section, relocation, function, AddressUse.Branch, Writes: false, IsPerCpu: false, bias);
        }

        if (isImmediate || instruction.Operation == Operation.LoadAddress || instruction.Memory is not { } memory)
        {
            return new(section, relocation, function, AddressUse.Value, Writes: false, IsPerCpu: false, bias);
        }

        return new(
            section,
            relocation,
            function,
            memory.IsPlain ? AddressUse.Access : AddressUse.Indexed,
            memory.IsWritten,
            memory.IsPerCpu,
            bias
        );
    }

    /// <summary>
    /// Follows addresses through registers from one branch to the next, as far as per-processor pointers are made: the compiler
    /// keeps the two parts of the sum close together.
    /// </summary>
    private sealed class RegisterAddresses
    {
        private const string ThisProcessor = "this_cpu_off",
            EachProcessor = "__per_cpu_offset";

        // By the numbers of registers.
        private readonly Dictionary<int, CodeUse> addresses = [];
        private readonly HashSet<int> bases = [];

        /// <summary>Takes one instruction; gives the address that it adds to the base of a per-processor area, or null.</summary>
        public CodeUse? Step(MachineInstruction instruction, CodeUse? use)
        {
            CodeUse? sum = null;
            var (target, source) = (instruction.RegisterAt(0), instruction.RegisterAt(1));
            var (operation, memory) = (instruction.Operation, instruction.Memory);
            var isBase = use is not null && IsBase(use);
            if (operation == Operation.Add && isBase)
            {
                sum = AddressIn(target);
            }
            else if (operation == Operation.Add && bases.Contains(source.Number))
            {
                sum = AddressIn(target);
            }
            else if (operation == Operation.Add && bases.Contains(target.Number))
            {
                sum = use is { Use: AddressUse.Value } ? use : AddressIn(source);
            }
            else if (
                use is { Use: AddressUse.Indexed } or { Use: AddressUse.Value }
                && memory is { } place
                && bases.Contains(place.Base.Number)
            )
            {
                sum = use;
            }

            var moved = operation == Operation.Move ? AddressIn(source) : null;
            var movesBase = operation == Operation.Move && bases.Contains(source.Number);
            foreach (var register in instruction.Registers.Where(r => r.IsWritten))
            {
                addresses.Remove(register.Register.Number);
                bases.Remove(register.Register.Number);
            }

            if (instruction.Flow != ControlFlow.Next)
            {
                addresses.Clear();
                bases.Clear();
            }
            else if (target.Exists && operation is Operation.Move or Operation.LoadAddress)
            {
                if (
                    use is { Use: AddressUse.Value }
                    && (memory is not { } operand || operand.Place is not null || !operand.Base.Exists)
                )
                {
                    addresses[target.Number] = use;
                }
                else if (moved is not null)
                {
                    addresses[target.Number] = moved;
                }

                if ((isBase && operation == Operation.Move) || movesBase)
                {
                    bases.Add(target.Number);
                }
            }

            return sum;
        }

        private CodeUse? AddressIn(MachineRegister register) => addresses.GetValueOrDefault(register.Number);

        private static bool IsBase(CodeUse use) =>
            use.Relocation.Symbol is { } symbol
            && NameOf(symbol) switch
            {
                ThisProcessor => use is { IsPerCpu: true, Use: AddressUse.Access },
                EachProcessor => use.Use == AddressUse.Indexed,
                _ => false,
            };

        private static string NameOf(ElfSymbol symbol) => Facts.LivepatchSymbol.TryParse(symbol.Name)?.Name ?? symbol.Name;
    }
}
