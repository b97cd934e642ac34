using Elivepatch.Elf;

namespace Elivepatch.Engine.Architectures;

/// <summary>
/// Constants that the kernel writes into its own instructions while it starts (<c>asm-generic/runtime-const.h</c>, 6.10 and
/// later): the address or the value of a variable, and a shift count. Nobody does that for a module.
/// </summary>
internal abstract class RuntimeConstants
{
    /// <summary>What the name of a table of pointers begins with; the variable's name follows.</summary>
    public const string PointerTable = "runtime_ptr_";

    private const string ShiftTable = "runtime_shift_";

    /// <summary>A load of a variable in place of an instruction that has its value in it.</summary>
    /// <param name="Start">Where it begins in the function, in bytes.</param>
    /// <param name="Bytes">It, and what fills up the space of the other one.</param>
    /// <param name="Field">Offset in <paramref name="Bytes"/> of the distance to the variable.</param>
    /// <param name="Bias">What the processor adds to that distance besides the field's address, in bytes.</param>
    public sealed record Load(int Start, byte[] Bytes, int Field, int Bias);

    /// <summary>The variable behind a table, or null for another section.</summary>
    public static string? VariableOf(string section) =>
        section.StartsWith(PointerTable, StringComparison.Ordinal) ? section[PointerTable.Length..]
        : IsShiftTable(section) ? section[ShiftTable.Length..]
        : null;

    /// <summary>True for a table of shift counts.</summary>
    public static bool IsShiftTable(string section) => section.StartsWith(ShiftTable, StringComparison.Ordinal);

    /// <summary>True where code has a shift with its count in one byte here, which the livepatch can write.</summary>
    /// <param name="section">The section of the code.</param>
    /// <param name="start">Offset of its first instruction.</param>
    /// <param name="end">Offset behind its last one.</param>
    /// <param name="count">Offset of the count in the section.</param>
    public abstract bool IsShift(ElfSection section, ulong start, ulong end, ulong count);

    /// <summary>
    /// What loads the variable instead, for the instruction with this immediate; null where the code holds no such instruction.
    /// </summary>
    /// <param name="code">Bytes of the function.</param>
    /// <param name="immediate">Offset of the immediate in them.</param>
    public abstract Load? LoadInstead(ReadOnlySpan<byte> code, long immediate);
}
