using Iced.Intel;

namespace Elivepatch.Engine.Architectures.X8664;

/// <summary>An instruction of the decoder, in the words of <see cref="MachineInstruction"/>.</summary>
internal sealed class X8664Instruction(Instruction instruction, ConstantOffsets constants) : MachineInstruction
{
    // It keeps what it found until it is asked again, so that no two threads may share one.
    [ThreadStatic]
    private static InstructionInfoFactory? information;

    private readonly Instruction instruction = instruction;

    public override ulong Offset => instruction.IP;

    public override ulong End => instruction.NextIP;

    public override bool IsValid => !instruction.IsInvalid;

    public override int Opcode => (int)instruction.Mnemonic;

    public override ulong? Target =>
        instruction.OpCount > 0 && instruction.Op0Kind == OpKind.NearBranch64 ? instruction.NearBranchTarget : null;

    public override ControlFlow Flow =>
        instruction.FlowControl switch
        {
            FlowControl.Next => ControlFlow.Next,
            FlowControl.UnconditionalBranch => ControlFlow.Jump,
            FlowControl.ConditionalBranch => ControlFlow.ConditionalJump,
            FlowControl.IndirectBranch => ControlFlow.IndirectJump,
            FlowControl.Call => ControlFlow.Call,
            FlowControl.IndirectCall => ControlFlow.IndirectCall,
            FlowControl.Return => ControlFlow.Return,
            FlowControl.Interrupt or FlowControl.Exception => ControlFlow.Trap,
            _ => ControlFlow.Unknown,
        };

    public override Operation Operation =>
        instruction.Mnemonic switch
        {
            Mnemonic.Nop => Operation.Nop,
            Mnemonic.Test or Mnemonic.Endbr64 => Operation.NoEffect,
            Mnemonic.Cmp => Operation.Compare,
            Mnemonic.Cmpxchg => Operation.CompareExchange,
            Mnemonic.Mov => Operation.Move,
            Mnemonic.Lea => Operation.LoadAddress,
            Mnemonic.Xor or Mnemonic.Sub when IsOfOneRegister => Operation.Clear,
            Mnemonic.Add => Operation.Add,
            Mnemonic.Sub => Operation.Subtract,
            Mnemonic.And => Operation.And,
            Mnemonic.Xor => Operation.ExclusiveOr,
            Mnemonic.Push => Operation.Push,
            Mnemonic.Pop => Operation.Pop,
            Mnemonic.Pushfq => Operation.PushState,
            Mnemonic.Popfq => Operation.PopState,
            Mnemonic.Leave => Operation.LeaveFrame,
            Mnemonic.Movsb or Mnemonic.Movsw or Mnemonic.Movsd or Mnemonic.Movsq when instruction.IsStringInstruction =>
                Operation.CopyBytes,
            Mnemonic.Stosb or Mnemonic.Stosw or Mnemonic.Stosd or Mnemonic.Stosq => Operation.FillBytes,
            Mnemonic.Scasb or Mnemonic.Scasw or Mnemonic.Scasd or Mnemonic.Scasq => Operation.ScanBytes,
            Mnemonic.Cmpsb or Mnemonic.Cmpsw or Mnemonic.Cmpsd or Mnemonic.Cmpsq when instruction.IsStringInstruction =>
                Operation.ScanBytes,
            Mnemonic.Ud2 => Operation.Trap,
            _ when instruction is { OpCount: 2, Op0Kind: OpKind.Register } && instruction.ConditionCode != ConditionCode.None =>
                Operation.ConditionalMove,
            _ => Operation.Other,
        };

    public override InstructionField? Immediate =>
        constants.HasImmediate ? FieldAt(constants.ImmediateOffset, constants.ImmediateSize) : null;

    public override InstructionField? Displacement =>
        constants.HasDisplacement ? FieldAt(constants.DisplacementOffset, constants.DisplacementSize) : null;

    // What else writes to no register and no memory hands its operands to the machine (lidt, wrmsr).
    public override bool OnlyReads =>
        instruction.Mnemonic
            is Mnemonic.Bt
                or Mnemonic.Comisd
                or Mnemonic.Comiss
                or Mnemonic.Ucomisd
                or Mnemonic.Ucomiss
                or Mnemonic.Ptest
                or Mnemonic.Verr
                or Mnemonic.Verw
                or Mnemonic.Monitor
                or Mnemonic.Mwait
                or Mnemonic.Umonitor
                or Mnemonic.Umwait
                or Mnemonic.Invpcid
                or Mnemonic.Invept
                or Mnemonic.Invvpid
                or Mnemonic.Ud0
                or Mnemonic.Ud1
                or Mnemonic.Ud2;

    public override bool IsOfStack => instruction.IsStackInstruction;

    // An entry of pv_ops is called by inline assembly (arch/x86/include/asm/paravirt.h), straight from the variable.
    public override bool MayCallByConvention =>
        instruction.Op0Kind == OpKind.Register || instruction.MemoryBase is not (Register.None or Register.RIP);

    private bool IsOfOneRegister =>
        instruction is { Op0Kind: OpKind.Register, Op1Kind: OpKind.Register }
        && instruction.Op0Register == instruction.Op1Register;

    /// <summary>True for <c>shrl $imm8, %reg</c>.</summary>
    public bool IsShiftRight =>
        instruction is { Mnemonic: Mnemonic.Shr, OpCount: 2, Op0Kind: OpKind.Register, Op1Kind: OpKind.Immediate8 }
        && instruction.Op0Register.IsGPR32();

    protected override MemoryOperand? ReadMemory()
    {
        for (var i = 0; i < instruction.OpCount; i++)
        {
            if (instruction.GetOpKind(i) == OpKind.Memory)
            {
                return ReadMemory(i);
            }
        }

        return null;
    }

    protected override IReadOnlyList<Operand> ReadOperands()
    {
        var used = Information();
        var operands = new Operand[instruction.OpCount];
        for (var i = 0; i < operands.Length; i++)
        {
            operands[i] = ReadOperand(i, AccessOf(used.GetOpAccess(i)));
        }

        return operands;
    }

    protected override IReadOnlyList<RegisterUse> ReadRegisters() =>
        [.. Information().GetUsedRegisters().Select(r => new RegisterUse(RegisterOf(r.Register), AccessOf(r.Access)))];

    private InstructionField FieldAt(int offset, int size)
    {
        var at = instruction.IP + (ulong)offset;
        return new(at, size, (int)(instruction.NextIP - at));
    }

    private InstructionInfo Information() => (information ??= new()).GetInfo(instruction);

    private Operand ReadOperand(int index, OperandAccess access)
    {
        var kind = instruction.GetOpKind(index);
        return kind switch
        {
            OpKind.Register => new(OperandKind.Register, access, RegisterOf(instruction.GetOpRegister(index)), 0, 0),
            OpKind.Memory => new(OperandKind.Memory, access, MachineRegister.None, 0, instruction.MemorySize.GetSize()),
            OpKind.NearBranch64 => new(
                OperandKind.Target,
                access,
                MachineRegister.None,
                (long)instruction.NearBranchTarget,
                sizeof(ulong)
            ),
            _ when SizeOfImmediate(kind) is var size and > 0 => new(
                OperandKind.Immediate,
                access,
                MachineRegister.None,
                unchecked((long)instruction.GetImmediate(index)),
                size
            ),
            _ => new(OperandKind.Other, access, MachineRegister.None, 0, 0),
        };
    }

    private MemoryOperand ReadMemory(int index)
    {
        var access = AccessOf(Information().GetOpAccess(index));
        return new(
            RegisterOf(instruction.MemoryBase),
            RegisterOf(instruction.MemoryIndex),
            unchecked((long)instruction.MemoryDisplacement64),
            instruction.MemorySize.GetSize()
        )
        {
            Place = instruction.IsIPRelativeMemoryOperand ? instruction.IPRelativeMemoryAddress : null,
            IsPerCpu = instruction.MemorySegment == Register.GS,
            IsWritten = (access & (OperandAccess.Write | OperandAccess.MayWrite)) != 0,
        };
    }

    private static int SizeOfImmediate(OpKind kind) =>
        kind switch
        {
            OpKind.Immediate8 => 1,
            OpKind.Immediate16 or OpKind.Immediate8to16 => 2,
            OpKind.Immediate32 or OpKind.Immediate8to32 => 4,
            OpKind.Immediate64 or OpKind.Immediate8to64 or OpKind.Immediate32to64 => 8,
            _ => 0,
        };

    private static MachineRegister RegisterOf(Register register)
    {
        if (register == Register.None)
        {
            return MachineRegister.None;
        }

        var full = register.GetFullRegister();
        return new(register.IsGPR() ? full - Register.RAX : MachineRegister.FirstSpecial + (int)full, register.GetSize());
    }

    private static OperandAccess AccessOf(OpAccess access) =>
        access switch
        {
            OpAccess.Read or OpAccess.CondRead => OperandAccess.Read,
            OpAccess.Write => OperandAccess.Write,
            OpAccess.CondWrite => OperandAccess.MayWrite,
            OpAccess.ReadWrite => OperandAccess.Read | OperandAccess.Write,
            OpAccess.ReadCondWrite => OperandAccess.Read | OperandAccess.MayWrite,
            _ => OperandAccess.None,
        };
}
