using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

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
    /// <param name="Bias">What the processor adds to a distance in it besides the field's own place, in bytes.</param>
    /// <param name="IsBranch">True for the target of a near call or jump.</param>
    /// <param name="Size">Size of the field in bytes.</param>
    /// <param name="RelativeTarget">The section offset that the bytes point at; null where the field is not PC-relative.</param>
    internal readonly record struct Field(ulong Offset, int Bias, bool IsBranch, int Size, ulong? RelativeTarget)
    {
        /// <summary>True for the displacement of an operand in memory, and not for one that only computes an address.</summary>
        public bool IsMemoryOperand { get; init; }

        /// <summary>True for the target of a call, which leaves a return address.</summary>
        public bool IsCall { get; init; }
    }

    /// <summary>
    /// Calls <paramref name="visit"/> for each branch target, PC-relative displacement or immediate that has room for a
    /// relocation.
    /// </summary>
    public static void Visit(Architecture architecture, ElfSection section, ulong start, ulong end, Action<Field> visit)
    {
        foreach (var instruction in architecture.Decode(section, start, end))
        {
            if (instruction.Immediate is { } immediate)
            {
                if (instruction.IsBranch)
                {
                    visit(
                        new(immediate.Offset, immediate.Bias, true, immediate.Size, instruction.Target)
                        {
                            IsCall = instruction.Flow == ControlFlow.Call,
                        }
                    );
                }
                else if (immediate.Size >= architecture.SmallestField && instruction.IsValid)
                {
                    visit(new(immediate.Offset, immediate.Bias, false, immediate.Size, null));
                }
            }

            if (
                instruction is { IsValid: true, Displacement: { } displacement }
                && displacement.Size >= architecture.SmallestField
            )
            {
                visit(
                    new(displacement.Offset, displacement.Bias, false, displacement.Size, instruction.Memory?.Place)
                    {
                        IsMemoryOperand = instruction.Operation != Operation.LoadAddress,
                    }
                );
            }
        }
    }
}
