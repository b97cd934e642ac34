using Elivepatch.Elf;
using Iced.Intel;

namespace Elivepatch.Engine.Units;

/// <summary>
/// Decodes code to learn what the relocated fields in it are. Two facts are not in the relocation itself: how far the end of
/// the instruction lies behind a PC-relative field (an immediate may follow it), and whether the field is the target of a
/// branch. And branches inside one section have no relocation at all where the assembler knew the distance.
/// </summary>
internal static class InstructionFields
{
    /// <summary>One relocatable field of an instruction.</summary>
    /// <param name="Offset">Offset of the field in the section.</param>
    /// <param name="End">Offset of the next instruction in the section.</param>
    /// <param name="IsBranch">True for the target of a near call or jump.</param>
    /// <param name="Size">Size of the field in bytes.</param>
    /// <param name="RelativeTarget">The section offset that the bytes point at; null where the field is not PC-relative.</param>
    internal readonly record struct Field(ulong Offset, ulong End, bool IsBranch, int Size, ulong? RelativeTarget)
    {
        /// <summary>True for the displacement of an operand in memory; <c>lea</c> computes an address and has none.</summary>
        public bool IsMemoryOperand { get; init; }

        /// <summary>True for the target of a call, which leaves a return address.</summary>
        public bool IsCall { get; init; }
    }

    /// <summary>Calls <paramref name="visit"/> for each PC-relative displacement, branch target or immediate of 4 or 8 bytes.</summary>
    public static void Visit(ElfSection section, ulong start, ulong end, Action<Field> visit)
    {
        foreach (var (instruction, offsets) in Decode(section, start, end))
        {
            var (at, next) = (instruction.IP, instruction.NextIP);
            if (IsNearBranch(instruction))
                visit(new(at + offsets.ImmediateOffset, next, true, offsets.ImmediateSize, instruction.NearBranchTarget)
                {
                    IsCall = instruction.FlowControl == FlowControl.Call,
                });
            else if (offsets.HasImmediate && offsets.ImmediateSize >= 4)
                visit(new(at + offsets.ImmediateOffset, next, false, offsets.ImmediateSize, null));
            if (offsets.HasDisplacement && offsets.DisplacementSize >= 4)
            {
                ulong? target = instruction.IsIPRelativeMemoryOperand ? instruction.IPRelativeMemoryAddress : null;
                visit(new(at + offsets.DisplacementOffset, next, false, offsets.DisplacementSize, target)
                {
                    IsMemoryOperand = instruction.Mnemonic != Mnemonic.Lea,
                });
            }
        }
    }

    /// <summary>
    /// Decodes a range; <see cref="Instruction.IP"/> is the offset in the section. Bytes that are no instruction are passed over.
    /// </summary>
    public static IEnumerable<(Instruction Instruction, ConstantOffsets Constants)> Decode(
        ElfSection section, ulong start, ulong end)
    {
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(section.Content, (int)start, (int)(end - start)));
        decoder.IP = start;
        while (decoder.IP < end)
        {
            decoder.Decode(out var instruction);
            if (!instruction.IsInvalid)
                yield return (instruction, decoder.GetConstantOffsets(instruction));
        }
    }

    /// <summary>True for a direct near call or jump.</summary>
    public static bool IsNearBranch(in Instruction instruction) =>
        instruction.OpCount > 0 && instruction.Op0Kind == OpKind.NearBranch64;
}
