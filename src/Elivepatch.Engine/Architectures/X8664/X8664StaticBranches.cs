using System.Buffers.Binary;

namespace Elivepatch.Engine.Architectures.X8664;

/// <summary>
/// The jumps and NOPs of <c>arch/x86/kernel/jump_label.c</c>: of 2 bytes (<c>eb</c>, <c>66 90</c>) or of 5 (<c>e9</c>,
/// <c>0f 1f 44 00 00</c>).
/// </summary>
internal sealed class X8664StaticBranches : StaticBranches
{
    private const int Short = 2,
        Near = 5;

    private static ReadOnlySpan<byte> ShortNop => [0x66, 0x90];

    private static ReadOnlySpan<byte> NearNop => [0x0f, 0x1f, 0x44, 0x00, 0x00];

    public override int LengthOf(ReadOnlySpan<byte> code) =>
        code switch
        {
            [0xeb, _, ..] => Short,
            [0xe9, _, _, _, _, ..] => Near,
            _ when code.StartsWith(ShortNop) => Short,
            _ when code.StartsWith(NearNop) => Near,
            _ => 0,
        };

    public override byte[] NopOf(int length) => [.. length == Short ? ShortNop : NearNop];

    public override bool IsBranchTo(ReadOnlySpan<byte> code, int length, ulong address, ulong target) =>
        length switch
        {
            Short when code is [0xeb, var distance, ..] => unchecked(address + Short + (ulong)(sbyte)distance) == target,
            Near when code is [0xe9, _, _, _, _, ..] => unchecked(
                address + Near + (ulong)BinaryPrimitives.ReadInt32LittleEndian(code[1..])
            ) == target,
            Short => code.StartsWith(ShortNop),
            Near => code.StartsWith(NearNop),
            _ => false,
        };
}

/// <summary>Branches of 2 bytes where the target is near, else of 5 or 6; NOPs of 1 to 11.</summary>
internal sealed class X8664BranchForms : BranchForms
{
    // The short and the near form, without a prefix. The condition is in the opcode.
    public override bool IsPlain(ReadOnlySpan<byte> branch) =>
        branch switch
        {
            [0xeb or (>= 0x70 and <= 0x7f), _] => true,
            [0xe8 or 0xe9, _, _, _, _] => true,
            [0x0f, >= 0x80 and <= 0x8f, _, _, _, _] => true,
            _ => false,
        };

    public override bool IsFiller(ReadOnlySpan<byte> nop) => nop is [0x90];
}

/// <summary>
/// <c>struct alt_instr</c> (<c>arch/x86/include/asm/alternative.h</c>): s32 instr_offset, repl_offset; then a feature and flags,
/// which became longer in 6.3; u8 instrlen, replacementlen; between 3.20 and 5.12 u8 padlen.
/// </summary>
internal sealed class X8664Alternatives : AlternativeTable
{
    public override (int Original, int Replacement)? LengthsOf(ReadOnlySpan<byte> entry) =>
        entry.Length switch
        {
            14 => (entry[12], entry[13]),
            12 or 13 => (entry[10], entry[11]),
            _ => null,
        };
}
