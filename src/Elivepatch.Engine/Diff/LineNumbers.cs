using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Tells where code and what macros leave beside it has a source line, for objects that were compiled from sources whose lines
/// had moved. A build numbers its lines as the kernel's own was (<c>#line</c>) and needs none of this.
/// </summary>
internal static class LineNumbers
{
    // struct _ddebug (include/linux/dynamic_debug.h): four pointers, then the line in the lowest 18 bits of a word.
    private const int DescriptorLine = 32;
    private const uint DescriptorMask = (1 << 18) - 1;

    // struct pi_entry (include/linux/printk.h): three pointers, then the line.
    private const int PrintkLine = 24;
    private const uint MostLines = 200_000;

    // Which argument the line is: __might_resched(file, line, ...), __warn_printk("... at %s (%d)\n", file, line), of
    // ASSERT_RTNL(), __btrfs_abort_transaction(transaction, function, line, ...).
    private static readonly Dictionary<string, int> lineOf = new()
    {
        ["__might_sleep"] = 1,
        ["___might_sleep"] = 1,
        ["__might_resched"] = 1,
        ["__might_fault"] = 1,
        ["lockdep_rcu_suspicious"] = 1,
        ["__warn_printk"] = 2,
        ["__btrfs_abort_transaction"] = 2,
        ["__btrfs_panic"] = 2,
    };

    /// <summary>True where two bytes at one place of two twins differ in nothing but a source line.</summary>
    public static bool Differ(Architecture architecture, Piece before, Piece after, int offset)
    {
        if (before.IsCode)
        {
            return LineArgument(architecture, before, offset) is { } argument
                && LineArgument(architecture, after, offset) == argument;
        }

        if (!before.IsThrowaway || before.Bytes.Length != after.Bytes.Length)
        {
            return false;
        }

        if (before.Section.Name is "__dyndbg" or "__verbose")
        {
            return DifferIn(DescriptorLine, DescriptorMask);
        }

        return SymbolNames.OfVariable(before.Name) == "_entry" && DifferIn(PrintkLine, uint.MaxValue);

        bool DifferIn(int start, uint mask)
        {
            if (offset < start || offset >= start + sizeof(uint) || before.Bytes.Length < start + sizeof(uint))
            {
                return false;
            }

            return ((Word(before) ^ Word(after)) & ~mask) == 0;

            uint Word(Piece piece) => architecture.Order.ReadUInt32(piece.Bytes[start..]);
        }
    }

    // The place of a number that is given to a function together with the name of a source file (or, by btrfs, of the function):
    // __might_sleep(__FILE__, __LINE__). Arguments are set up in one stretch, in any order.
    private static (ulong Offset, int Size)? LineArgument(Architecture architecture, Piece code, int offset)
    {
        var at = code.Start + (ulong)offset;
        MachineRegister? line = null;
        var start = code.Start;
        (ulong Offset, int Size)? field = null;
        foreach (var instruction in architecture.Decode(code.Section, code.Start, code.End).Where(i => i.IsValid))
        {
            if (
                instruction is { Operation: Operation.Move, Immediate: { Size: sizeof(int) } immediate }
                && at >= immediate.Offset
                && at < immediate.Offset + sizeof(int)
                && instruction.RegisterAt(0) is { Exists: true } target
                && instruction.OperandAt(1) is { Kind: OperandKind.Immediate, Value: > 0 and < MostLines }
            )
            {
                (line, field) = (target, (immediate.Offset - code.Start, sizeof(int)));
            }

            if (instruction.Flow == ControlFlow.Next)
            {
                continue;
            }

            if (line is { } register)
            {
                var callee = code
                    .References.FirstOrDefault(r => r.IsCall && code.Start + r.Offset == instruction.Immediate?.Offset)
                    ?.External?.Name;
                return
                    callee is not null
                    && IsLine(architecture.Calls, callee, register)
                    && code.References.Any(r =>
                        r.Offset >= start - code.Start && r.Offset < instruction.Offset - code.Start && NamesPlace(r)
                    )
                    ? field
                    : null;
            }

            if (instruction.Offset > at)
            {
                return null;
            }

            start = instruction.End;
        }

        return null;
    }

    private static bool IsLine(CallingConvention calls, string callee, MachineRegister register) =>
        lineOf.TryGetValue(callee, out var argument)
        && register.Size == sizeof(int)
        && register.Number == calls.Arguments[argument];

    private static bool NamesPlace(Reference reference)
    {
        if (reference is not { Use: ReferenceUse.Address, Displacement: 0, Piece: { } piece })
        {
            return false;
        }

        return piece.Kind == PieceKind.Literal && piece.Section.Has(ElfSectionFlags.Strings)
            ? piece.Bytes.EndsWith(".c\0"u8) || piece.Bytes.EndsWith(".h\0"u8)
            : piece.IsThrowaway && SymbolNames.OfVariable(piece.Name) == "__func__";
    }
}
