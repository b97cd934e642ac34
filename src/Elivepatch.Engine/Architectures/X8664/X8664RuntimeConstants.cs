using Elivepatch.Elf;

namespace Elivepatch.Engine.Architectures.X8664;

/// <summary>
/// <c>arch/x86/include/asm/runtime-const.h</c>. A table of pointers holds the places of 8-byte immediates of <c>movabs</c>. In a
/// livepatch the instruction loads the variable instead, as the kernel itself does where it has no such constants: that takes
/// seven of the ten bytes, and a NOP fills the rest. A table of shift counts holds the places of 1-byte immediates. No shift by a
/// variable has room there, so a livepatch does what the kernel did, and writes the count into its code before any of that can
/// run.
/// </summary>
internal sealed class X8664RuntimeConstants : RuntimeConstants
{
    private const int ImmediateOffset = 2;
    private const int Length = 10;
    private const int DisplacementOffset = 3;

    public override bool IsShift(ElfSection section, ulong start, ulong end, ulong count) =>
        X8664Architecture
            .Instance.Decode(section, start, end)
            .OfType<X8664Instruction>()
            .Any(i => i.IsShiftRight && i.Immediate is { Size: 1 } immediate && immediate.Offset == count);

    public override Load? LoadInstead(ReadOnlySpan<byte> code, long immediate)
    {
        var start = immediate - ImmediateOffset;
        if (start < 0 || start + Length > code.Length)
        {
            return null;
        }

        var (rex, opcode) = (code[(int)start], code[(int)start + 1]);
        if (rex is not (0x48 or 0x49) || opcode is < 0xb8 or > 0xbf)
        {
            return null;
        }

        // movabs has the register in the opcode and REX.B, mov from memory in ModRM and REX.R; mode 0 with base 5 is
        // RIP-relative.
        var register = opcode - 0xb8;
        return new(
            (int)start,
            [(byte)(rex == 0x49 ? 0x4c : 0x48), 0x8b, (byte)(register << 3 | 5), 0, 0, 0, 0, 0x0f, 0x1f, 0x00],
            DisplacementOffset,
            sizeof(int)
        );
    }
}
