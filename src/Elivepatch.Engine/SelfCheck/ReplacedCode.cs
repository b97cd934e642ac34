// In: the linked image. Out: every address that one of its functions mentions, as branch target, operand in memory or immediate.
// A new function may go on to use what the old one used, whatever it is; nothing else tells for a finished module.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>What a function of the running kernel does, in places of the running kernel.</summary>
/// <param name="References">Places that it mentions.</param>
/// <param name="AddressesTaken">Those whose address it loads, stores or compares as such, rather than what lies there.</param>
/// <param name="Writes">Those that it writes to, as far as instructions name them.</param>
internal sealed record FunctionAccesses(
    IReadOnlySet<RunningPlace> References,
    IReadOnlySet<RunningPlace> AddressesTaken,
    IReadOnlySet<RunningPlace> Writes
);

/// <summary>Reads functions of the running kernel from the images of its objects.</summary>
internal sealed class ReplacedCode(Architecture architecture, KernelObjects objects, ExportedSymbols? exports)
{
    private readonly Dictionary<(string ObjectName, KernelSymbol Function), FunctionAccesses> known = [];

    /// <summary>Reads a function and its cold part; null where nobody has the object's bytes.</summary>
    public FunctionAccesses? Read(string objectName, KernelSymbol function)
    {
        if (objects.Find(objectName) is not { Image: { } image } target)
        {
            return null;
        }

        if (known.TryGetValue((objectName, function), out var read))
        {
            return read;
        }

        var (mentions, takes, writes) = (new HashSet<RunningPlace>(), new HashSet<RunningPlace>(), new HashSet<RunningPlace>());
        Read(target, image, function, mentions, takes, writes);
        if (target.Symbols.Named(function.Name + SymbolNames.ColdSuffix) is [var cold])
        {
            Read(target, image, cold, mentions, takes, writes);
        }

        return known[(objectName, function)] = new(mentions, takes, writes);
    }

    private void Read(
        PatchTarget target,
        KernelImage image,
        KernelSymbol function,
        HashSet<RunningPlace> mentions,
        HashSet<RunningPlace> takes,
        HashSet<RunningPlace> writes
    )
    {
        var start = image.ToLink(function.Address);
        if (image.SectionAt(start) is not { } section || section.Type == ElfSectionType.NoBits)
        {
            return;
        }

        var from = start - section.Address;
        var end = Math.Min(section.Size, from + (target.Symbols.EndOf(function) - function.Address));
        foreach (var instruction in architecture.Decode(section, from, end).Where(i => i.IsValid))
        {
            // Decoding counts from the start of the section; what is relative to an instruction does too, everything else is
            // absolute.
            foreach (var (address, isRelative, isValue) in AddressesOf(instruction))
            {
                var place = PlaceAt(target, image.ToRunning(isRelative ? address + section.Address : address));
                mentions.Add(place);
                if (isValue)
                {
                    takes.Add(place);
                }
            }

            if (instruction.Memory is { IsPlain: true, IsWritten: true } memory)
            {
                var written = memory.Place is { } place ? place + section.Address : (ulong)memory.Displacement;
                writes.Add(PlaceAt(target, image.ToRunning(written)));
            }
        }
    }

    // Code of a module uses what others export.
    private RunningPlace PlaceAt(PatchTarget target, ulong address)
    {
        if (target is not ModuleTarget module || module.ExternalAt(address) is not { } external)
        {
            return new(target.ObjectName, address);
        }

        var owner = exports?.Find(external.Name)?.ObjectName ?? VmlinuxTarget.Name;
        var globals = objects.Find(owner)?.Symbols.Named(external.Name).Where(s => s.IsGlobal).ToList();
        return globals is [var only]
            ? new RunningPlace(owner, only.Address).Plus(external.Displacement)
            : new(target.ObjectName, address);
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
