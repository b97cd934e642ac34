// In: the linked image. Out: every address that one of its functions mentions, as branch target, operand in memory or immediate.
// A new function may go on to use what the old one used, whatever it is; nothing else tells for a finished module.
using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Units;
using Iced.Intel;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>What a function of the running kernel does, in addresses of the running kernel.</summary>
/// <param name="Mentions">Addresses that it mentions.</param>
/// <param name="Takes">Addresses that it loads, stores or compares as such, rather than what lies there.</param>
/// <param name="Writes">Addresses that it writes to, as far as instructions name them.</param>
internal sealed record OldFunction(IReadOnlySet<ulong> Mentions, IReadOnlySet<ulong> Takes, IReadOnlySet<ulong> Writes);

/// <summary>Reads functions of the running kernel from its image.</summary>
internal sealed class OldCode(KernelSymbols symbols, KernelImage image)
{
    private readonly Dictionary<KernelSymbol, OldFunction> known = [];
    private readonly InstructionInfoFactory information = new();

    /// <summary>Reads a function and its cold part.</summary>
    public OldFunction Read(KernelSymbol function)
    {
        if (known.TryGetValue(function, out var read))
            return read;
        var (mentions, takes, writes) = (new HashSet<ulong>(), new HashSet<ulong>(), new HashSet<ulong>());
        Read(function, mentions, takes, writes);
        if (symbols.Vmlinux.Named(function.Name + SymbolNames.ColdSuffix) is [var cold])
            Read(cold, mentions, takes, writes);
        return known[function] = new(mentions, takes, writes);
    }

    private void Read(KernelSymbol function, HashSet<ulong> mentions, HashSet<ulong> takes, HashSet<ulong> writes)
    {
        var start = image.ToLink(function.Address);
        if (image.SectionAt(start) is not { } section || section.Type == ElfSectionType.NoBits)
            return;
        var from = start - section.Address;
        var end = Math.Min(section.Size, from + (symbols.Vmlinux.EndOf(function) - function.Address));
        foreach (var (instruction, _) in InstructionFields.Decode(section, from, end))
        {
            // Decoding counts from the start of the section; RIP-relative operands and branches do too, everything else is
            // absolute.
            foreach (var (address, isRelative, isValue) in AddressesOf(instruction))
            {
                var running = image.ToRunning(isRelative ? address + section.Address : address);
                mentions.Add(running);
                if (isValue)
                    takes.Add(running);
            }

            foreach (var memory in information.GetInfo(instruction).GetUsedMemory())
            {
                if (memory is { Base: Register.None, Index: Register.None }
                    && memory.Access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite)
                {
                    var shift = instruction.IsIPRelativeMemoryOperand ? section.Address : 0;
                    writes.Add(image.ToRunning(memory.Displacement + shift));
                }
            }
        }
    }

    private static IEnumerable<(ulong Address, bool IsRelative, bool IsValue)> AddressesOf(Instruction instruction)
    {
        for (var i = 0; i < instruction.OpCount; i++)
        {
            switch (instruction.GetOpKind(i))
            {
                case OpKind.NearBranch64:
                    yield return (instruction.NearBranchTarget, true, false);
                    break;
                case OpKind.Memory:
                    var isValue = instruction.Mnemonic == Mnemonic.Lea;
                    yield return (instruction.MemoryDisplacement64, instruction.IsIPRelativeMemoryOperand, isValue);
                    break;
                case OpKind.Immediate32to64 or OpKind.Immediate64:
                    yield return (instruction.GetImmediate(i), false, true);
                    break;
            }
        }
    }
}
