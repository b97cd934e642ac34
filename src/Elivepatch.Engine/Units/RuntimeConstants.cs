using Iced.Intel;

namespace Elivepatch.Engine.Units;

/// <summary>
/// Constants that the kernel writes into its own instructions while it starts (<c>arch/x86/include/asm/runtime-const.h</c>, 6.10
/// and later). The table <c>runtime_ptr_NAME</c> holds the places of 8-byte immediates that become the value of the variable NAME.
/// Nobody does that for a module, so in a livepatch the instruction loads the variable instead: as the kernel itself does where
/// it has no such constants. That takes seven of the ten bytes; a NOP fills the rest.
/// <para>
/// The table <c>runtime_shift_NAME</c> holds the places of 1-byte shift counts. No shift by a variable has room there, so a livepatch
/// does what the kernel did: it writes the count into its code before any of that can run.
/// </para>
/// </summary>
internal static class RuntimeConstants
{
    /// <summary>What the name of a table of pointers begins with; the variable's name follows.</summary>
    public const string PointerTable = "runtime_ptr_";

    private const string ShiftTable = "runtime_shift_";
    private const int ImmediateOffset = 2;
    private const int Length = 10;

    /// <summary>Offset of the displacement in the instruction that <see cref="Load"/> gives; it ends the instruction's field.</summary>
    public const int DisplacementOffset = 3;

    /// <summary>Bytes from the displacement to the end of its instruction.</summary>
    public const int Bias = 4;

    /// <summary>The variable behind a table, or null for another section.</summary>
    public static string? VariableOf(string section) => section.StartsWith(PointerTable, StringComparison.Ordinal)
        ? section[PointerTable.Length..]
        : IsShiftTable(section) ? section[ShiftTable.Length..] : null;

    /// <summary>True for a table of shift counts.</summary>
    public static bool IsShiftTable(string section) => section.StartsWith(ShiftTable, StringComparison.Ordinal);

    /// <summary>True where a piece has <c>shrl $imm8, %reg</c> with its count here.</summary>
    /// <param name="code">The piece.</param>
    /// <param name="count">Offset of the count in it.</param>
    public static bool IsShift(Piece code, long count) =>
        InstructionFields.Decode(code.Section, code.Start, code.End).Any(i =>
            i.Instruction is { Mnemonic: Mnemonic.Shr, OpCount: 2, Op0Kind: OpKind.Register, Op1Kind: OpKind.Immediate8 }
            && i.Instruction.Op0Register.IsGPR32() && i.Constants is { HasImmediate: true, ImmediateSize: 1 }
            && (long)(i.Instruction.IP - code.Start) + i.Constants.ImmediateOffset == count);

    /// <summary>
    /// The load in place of <c>movabs $imm64, %reg</c> around this immediate, and where it begins; null where the code holds no
    /// such instruction.
    /// </summary>
    /// <param name="code">Bytes of the function.</param>
    /// <param name="immediate">Offset of the immediate in them.</param>
    public static (int Start, byte[] Bytes)? Load(ReadOnlySpan<byte> code, long immediate)
    {
        var start = immediate - ImmediateOffset;
        if (start < 0 || start + Length > code.Length)
            return null;
        var (rex, opcode) = (code[(int)start], code[(int)start + 1]);
        if (rex is not (0x48 or 0x49) || opcode is < 0xb8 or > 0xbf)
            return null;

        // movabs has the register in the opcode and REX.B, mov from memory in ModRM and REX.R; mode 0 with base 5 is RIP-relative.
        var register = opcode - 0xb8;
        return ((int)start, [(byte)(rex == 0x49 ? 0x4c : 0x48), 0x8b, (byte)(register << 3 | 5), 0, 0, 0, 0, 0x0f, 0x1f, 0x00]);
    }
}
