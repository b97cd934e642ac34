using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Tests.Architectures;

/// <summary>
/// A processor that nobody has: big-endian, with instructions of 4 bytes whose upper 6 bits say what they do. A branch and an
/// operand in memory have the distance in the lower 26 bits, in words, from their own beginning. So a relocation changes some
/// bits of a word and leaves the others, nothing is relative to the next instruction, and no branch has two lengths. Data farther
/// away are reached by two instructions: one has the page, in 26 bits and relative to its own, the other the lower 12 bits.
/// </summary>
internal sealed class TinyArchitecture : Architecture
{
    public const ushort Number = 0x7e57;
    public const int Word = 4;
    public const string TraceEntry = "_tiny_trace";

    /// <summary>The operations, as the upper 6 bits of an instruction.</summary>
    public const uint Nop32 = 1,
        LoadImmediate = 2,
        Call = 3,
        Jump = 4,
        JumpIfZero = 5,
        Return = 6,
        Load = 7,
        AddressOf = 8,
        Store = 9,
        PageOf = 10,
        AddLow = 11;

    public static readonly RelocationType Absolute64 = new(1, "R_TINY_64")
    {
        Size = 8,
        Mask = ulong.MaxValue,
        IsKnown = true,
    };

    public static readonly RelocationType Relative32 = new(2, "R_TINY_REL32")
    {
        Size = 4,
        Mask = uint.MaxValue,
        IsPcRelative = true,
        IsSigned = true,
        IsKnown = true,
    };

    public static readonly RelocationType Relative26 = new(3, "R_TINY_REL26")
    {
        Size = 4,
        Mask = 0x3ffffff,
        Shift = 2,
        IsPcRelative = true,
        IsSigned = true,
        IsKnown = true,
    };

    public static readonly RelocationType Page26 = new(4, "R_TINY_PAGE26")
    {
        Size = 4,
        Mask = 0x3ffffff,
        Shift = 12,
        IsPcRelative = true,
        IsSigned = true,
        IsKnown = true,
        Part = RelocationPart.High,
        PartBits = 12,
    };

    public static readonly RelocationType Low12 = new(5, "R_TINY_LOW12")
    {
        Size = 4,
        Mask = 0xfff,
        IsKnown = true,
        Part = RelocationPart.Low,
        PartBits = 12,
    };

    private static readonly byte[] nop = [0x04, 0, 0, 0];

    private TinyArchitecture()
        : base(
            Number,
            ElfByteOrder.BigEndian,
            [new(0, "R_TINY_NONE") { IsNone = true }, Absolute64, Relative32, Relative26, Page26, Low12]
        ) { }

    public static TinyArchitecture Instance { get; } = new();

    public override string Name => "tiny";

    public override ulong LowestAddress => 1UL << 62;

    internal override ulong ModuleAddress => 0xc000_0000_1000_0000;

    internal override RelocationType Pointer => Absolute64;

    internal override RelocationType Relative => Relative32;

    internal override RelocationType RelativeOperand => Relative26;

    internal override RelocationType Branch => Relative26;

    internal override int BranchBias => 0;

    internal override int SmallestField => Word;

    /// <summary>Arguments in r3 to r8, results in r3 and r4, the stack pointer is r1; a call puts nothing on the stack.</summary>
    internal override CallingConvention Calls { get; } =
        new([3, 4, 5, 6, 7, 8], (3, 4), [0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 1, 31, 32, 0);

    internal override StaticBranches StaticBranches { get; } = new NoStaticBranches();

    internal override BranchForms Branches { get; } = new OneForm();

    internal override SectionTable Sections { get; } = new();

    internal override RuntimeConstants RuntimeConstants { get; } = new NoConstants();

    internal override AlternativeTable Alternatives { get; } = new NoAlternatives();

    internal override AssemblyCallees Assembly { get; } = new NoAssembly();

    internal override IndirectCalls IndirectCalls { get; } = new(null, null, default);

    internal override ModuleLoader Loader { get; } = new TinyLoader();

    internal override ReadOnlySpan<byte> Nop => nop;

    internal override string FtraceEntry => TraceEntry;

    internal override bool MayLeadTo(ReadOnlySpan<byte> code, int field, ulong place, ulong target) =>
        field % Word == 0 && Relative26.Solve(code[field..], Order, place, 0) == target;

    internal override IEnumerable<MachineInstruction> Decode(ElfSection section, ulong start, ulong end)
    {
        end = Math.Min(end, (ulong)section.Content.Length);
        for (var at = start; at + Word <= end; at += Word)
        {
            yield return new TinyInstruction(at, Order.ReadUInt32(section.Content.AsSpan((int)at)));
        }
    }

    private sealed class TinyInstruction(ulong offset, uint code) : MachineInstruction
    {
        private uint Kind => code >> 26;

        private ulong Distance => unchecked((ulong)((long)((ulong)code << 38) >> 38) << 2);

        public override ulong Offset => offset;

        public override ulong End => offset + Word;

        public override bool IsValid => Kind is >= Nop32 and <= AddLow;

        public override int Opcode => (int)Kind;

        public override Operation Operation =>
            Kind switch
            {
                Nop32 => Operation.Nop,
                LoadImmediate or Load or Store => Operation.Move,
                AddressOf or PageOf => Operation.LoadAddress,
                _ => Operation.Other,
            };

        public override ControlFlow Flow =>
            Kind switch
            {
                Call => ControlFlow.Call,
                Jump => ControlFlow.Jump,
                JumpIfZero => ControlFlow.ConditionalJump,
                Return => ControlFlow.Return,
                _ => ControlFlow.Next,
            };

        public override ulong? Target => Kind is Call or Jump or JumpIfZero ? unchecked(offset + Distance) : null;

        public override InstructionField? Immediate => Target is null && Kind != AddLow ? null : new(offset, Word, 0);

        public override InstructionField? Displacement => Memory is null ? null : new(offset, Word, 0);

        public override bool OnlyReads => false;

        public override bool IsOfStack => false;

        public override bool MayCallByConvention => true;

        protected override MemoryOperand? ReadMemory() =>
            Kind is Load or Store or AddressOf or PageOf
                ? new MemoryOperand(
                    MachineRegister.None,
                    MachineRegister.None,
                    0,
                    Kind is AddressOf or PageOf ? 0 : sizeof(ulong)
                )
                {
                    Place = Kind == PageOf ? unchecked((offset & ~0xfffUL) + (Distance << 10)) : unchecked(offset + Distance),
                    IsWritten = Kind == Store,
                }
                : null;

        // Everything loads into, and is stored from, the register of the first argument.
        protected override IReadOnlyList<Operand> ReadOperands() =>
            Kind switch
            {
                LoadImmediate =>
                [
                    First(OperandAccess.Write),
                    new(OperandKind.Immediate, OperandAccess.Read, MachineRegister.None, code & 0xffff, sizeof(ulong)),
                ],
                Load => [First(OperandAccess.Write), InMemory(OperandAccess.Read)],
                AddressOf or PageOf => [First(OperandAccess.Write), InMemory(OperandAccess.None)],
                AddLow =>
                [
                    First(OperandAccess.Write | OperandAccess.Read),
                    new(OperandKind.Immediate, OperandAccess.Read, MachineRegister.None, code & 0xfff, sizeof(ulong)),
                ],
                Store => [InMemory(OperandAccess.Write), First(OperandAccess.Read)],
                _ => [],
            };

        protected override IReadOnlyList<RegisterUse> ReadRegisters() =>
            [.. Operands.Where(o => o.IsRegister).Select(o => new RegisterUse(o.Register, o.Access))];

        private static Operand First(OperandAccess access) => new(OperandKind.Register, access, new(3, sizeof(ulong)), 0, 0);

        private static Operand InMemory(OperandAccess access) =>
            new(OperandKind.Memory, access, MachineRegister.None, 0, sizeof(ulong));
    }

    private sealed class NoStaticBranches : StaticBranches
    {
        public override int LengthOf(ReadOnlySpan<byte> code) => 0;

        public override byte[] NopOf(int length) => [];

        public override bool IsBranchTo(ReadOnlySpan<byte> code, int length, ulong address, ulong target) => false;
    }

    private sealed class OneForm : BranchForms
    {
        public override bool IsPlain(ReadOnlySpan<byte> branch) => false;

        public override bool IsFiller(ReadOnlySpan<byte> nop) => true;
    }

    private sealed class NoConstants : RuntimeConstants
    {
        public override bool IsShift(ElfSection section, ulong start, ulong end, ulong count) => false;

        public override Load? LoadInstead(ReadOnlySpan<byte> code, long immediate) => null;
    }

    private sealed class NoAlternatives : AlternativeTable
    {
        public override (int Original, int Replacement)? LengthsOf(ReadOnlySpan<byte> entry) => null;
    }

    private sealed class NoAssembly : AssemblyCallees
    {
        public override bool RetainsNothing(string? name) => false;

        public override bool IsAssembly(string? name) => name == TraceEntry;

        public override bool UsesAnyRegister(string? name) => false;

        public override bool IsFtraceEntry(string? name) => name == TraceEntry;

        public override bool IsReturn(string? name) => false;

        public override bool IsIndirect(string? name) => false;
    }

    private sealed class TinyLoader : ModuleLoader
    {
        public override bool NeedsZero => false;

        public override bool Applies(RelocationType type) => type.IsNone || type.IsKnown;

        public override bool Fits(RelocationType type, ElfRelocation relocation, ElfSymbol symbol, long? address) => true;

        public override bool LoadsFirstArgument(ReadOnlySpan<byte> code, ElfRelocation relocation, out long bias)
        {
            bias = 0;
            return relocation.Type == Relative26.Number
                && relocation.Offset < (ulong)code.Length
                && code[(int)relocation.Offset] >> 2 == (int)AddressOf;
        }
    }
}
