// In: the linked image. Out: every address that one of its functions mentions, as branch target, operand in memory or immediate.
// A new function may go on to use what the old one used, whatever it is; nothing else tells for a finished module.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>What a function of the running kernel does, in addresses of the running kernel.</summary>
/// <param name="References">Addresses that it mentions.</param>
/// <param name="AddressesTaken">Addresses that it loads, stores or compares as such, rather than what lies there.</param>
/// <param name="Writes">Addresses that it writes to, as far as instructions name them.</param>
internal sealed record FunctionAccesses(
    IReadOnlySet<ulong> References,
    IReadOnlySet<ulong> AddressesTaken,
    IReadOnlySet<ulong> Writes
);

/// <summary>Reads functions of the running kernel from its image.</summary>
internal sealed class ReplacedCode(Architecture architecture, ObjectSymbols symbols, KernelImage image)
{
    private readonly Dictionary<KernelSymbol, FunctionAccesses> known = [];

    /// <summary>Reads a function and its cold part.</summary>
    public FunctionAccesses Read(KernelSymbol function)
    {
        if (known.TryGetValue(function, out var read))
        {
            return read;
        }

        var (mentions, takes, writes) = (new HashSet<ulong>(), new HashSet<ulong>(), new HashSet<ulong>());
        Read(function, mentions, takes, writes);
        if (symbols.Named(function.Name + SymbolNames.ColdSuffix) is [var cold])
        {
            Read(cold, mentions, takes, writes);
        }

        return known[function] = new(mentions, takes, writes);
    }

    private void Read(KernelSymbol function, HashSet<ulong> mentions, HashSet<ulong> takes, HashSet<ulong> writes)
    {
        var start = image.ToLink(function.Address);
        if (image.SectionAt(start) is not { } section || section.Type == ElfSectionType.NoBits)
        {
            return;
        }

        var from = start - section.Address;
        var end = Math.Min(section.Size, from + (symbols.EndOf(function) - function.Address));
        foreach (var instruction in architecture.Decode(section, from, end).Where(i => i.IsValid))
        {
            // Decoding counts from the start of the section; what is relative to an instruction does too, everything else is
            // absolute.
            foreach (var (address, isRelative, isValue) in AddressesOf(instruction))
            {
                var running = image.ToRunning(isRelative ? address + section.Address : address);
                mentions.Add(running);
                if (isValue)
                {
                    takes.Add(running);
                }
            }

            if (instruction.Memory is { IsPlain: true, IsWritten: true } memory)
            {
                writes.Add(image.ToRunning(memory.Place is { } place ? place + section.Address : (ulong)memory.Displacement));
            }
        }
    }

    private static IEnumerable<(ulong Address, bool IsRelative, bool IsValue)> AddressesOf(MachineInstruction instruction)
    {
        if (instruction.Target is { } target)
        {
            yield return (target, true, false);
        }

        if (instruction.Memory is { } memory)
        {
            yield return (
                memory.Place ?? (ulong)memory.Displacement,
                memory.Place is not null,
                instruction.Operation == Operation.LoadAddress
            );
        }

        foreach (var operand in instruction.Operands.Where(o => o is { Kind: OperandKind.Immediate, Size: sizeof(ulong) }))
        {
            if (instruction.Immediate is { Size: >= sizeof(uint) })
            {
                yield return ((ulong)operand.Value, false, true);
            }
        }
    }
}
