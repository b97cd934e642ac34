using System.Buffers.Binary;
using Elivepatch.Elf;
using Elivepatch.Engine.Units;
using Iced.Intel;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Tells where code and what macros leave beside it has a source line, for objects that were compiled from sources whose lines had
/// moved. A build numbers its lines as the kernel's own was (<c>#line</c>) and needs none of this.
/// </summary>
internal static class LineNumbers
{
    // struct _ddebug (include/linux/dynamic_debug.h): four pointers, then the line in the lowest 18 bits of a word.
    private const int DescriptorLine = 32;
    private const uint DescriptorMask = (1 << 18) - 1;

    // struct pi_entry (include/linux/printk.h): three pointers, then the line.
    private const int PrintkLine = 24;
    private const uint MostLines = 200_000;

    // Where the line is among the arguments: __might_resched(file, line, ...), __warn_printk("... at %s (%d)\n", file, line), of ASSERT_RTNL(),
    // __btrfs_abort_transaction(transaction, function, line, ...).
    private static readonly Dictionary<string, Register> lineOf = new()
    {
        ["__might_sleep"] = Register.ESI,
        ["___might_sleep"] = Register.ESI,
        ["__might_resched"] = Register.ESI,
        ["__might_fault"] = Register.ESI,
        ["lockdep_rcu_suspicious"] = Register.ESI,
        ["__warn_printk"] = Register.EDX,
        ["__btrfs_abort_transaction"] = Register.EDX,
        ["__btrfs_panic"] = Register.EDX,
    };

    /// <summary>True where two bytes at one place of two twins differ in nothing but a source line.</summary>
    public static bool Differ(Piece before, Piece after, int offset)
    {
        if (before.IsCode)
            return LineArgument(before, offset) is { } argument && LineArgument(after, offset) == argument;
        if (!before.IsThrowaway || before.Bytes.Length != after.Bytes.Length)
            return false;
        if (before.Section.Name is "__dyndbg" or "__verbose")
            return DifferIn(DescriptorLine, DescriptorMask);
        return SymbolNames.OfVariable(before.Name) == "_entry" && DifferIn(PrintkLine, uint.MaxValue);

        bool DifferIn(int start, uint mask)
        {
            if (offset < start || offset >= start + sizeof(uint) || before.Bytes.Length < start + sizeof(uint))
                return false;
            return ((Word(before) ^ Word(after)) & ~mask) == 0;

            uint Word(Piece piece) => BinaryPrimitives.ReadUInt32LittleEndian(piece.Bytes[start..]);
        }
    }

    // The place of a number that is given to a function together with the name of a source file (or, by btrfs, of the function):
    // __might_sleep(__FILE__, __LINE__). Arguments are set up in one stretch, in any order.
    private static (ulong Offset, int Size)? LineArgument(Piece code, int offset)
    {
        var at = code.Start + (ulong)offset;
        Register? line = null;
        var start = code.Start;
        (ulong Offset, int Size)? field = null;
        foreach (var (instruction, constants) in InstructionFields.Decode(code.Section, code.Start, code.End))
        {
            var isArgument = instruction.Mnemonic == Mnemonic.Mov && instruction.OpCount == 2 && instruction.Op0Kind == OpKind.Register
                && constants is { HasImmediate: true, ImmediateSize: sizeof(int) } && instruction.GetImmediate(1) is > 0 and < MostLines;
            var immediate = instruction.IP + constants.ImmediateOffset;
            if (isArgument && at >= immediate && at < immediate + sizeof(int))
                (line, field) = (instruction.Op0Register, (immediate - code.Start, sizeof(int)));
            if (instruction.FlowControl == FlowControl.Next)
                continue;
            if (line is { } register)
            {
                var callee = code.References.FirstOrDefault(r => r.IsCall && r.Offset == instruction.IP + constants.ImmediateOffset - code.Start)?.External?.Name;
                return callee is not null && lineOf.GetValueOrDefault(callee) == register && code.References.Any(
                    r => r.Offset >= start - code.Start && r.Offset < instruction.IP - code.Start && NamesPlace(r)) ? field : null;
            }

            if (instruction.IP > at)
                return null;
            start = instruction.NextIP;
        }

        return null;
    }

    private static bool NamesPlace(Reference reference)
    {
        if (reference is not { Use: ReferenceUse.Address, Displacement: 0, Piece: { } piece })
            return false;
        return piece.Kind == PieceKind.Literal && piece.Section.Has(ElfSectionFlags.Strings)
            ? piece.Bytes.EndsWith(".c\0"u8) || piece.Bytes.EndsWith(".h\0"u8)
            : piece.IsThrowaway && SymbolNames.OfVariable(piece.Name) == "__func__";
    }
}
