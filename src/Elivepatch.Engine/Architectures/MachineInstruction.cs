namespace Elivepatch.Engine.Architectures;

/// <summary>What follows an instruction.</summary>
internal enum ControlFlow
{
    /// <summary>The next one.</summary>
    Next,

    /// <summary>That at the target.</summary>
    Jump,

    /// <summary>That at the target, or the next one.</summary>
    ConditionalJump,

    /// <summary>One that a register or memory names.</summary>
    IndirectJump,

    /// <summary>The function at the target, then the next one.</summary>
    Call,

    /// <summary>A function that a register or memory names, then the next one.</summary>
    IndirectCall,

    /// <summary>Whatever called this function.</summary>
    Return,

    /// <summary>An exception or an interrupt, from which it may come back to the next one.</summary>
    Trap,

    /// <summary>What cannot be said: the beginning or the end of a transaction.</summary>
    Unknown,
}

/// <summary>What an instruction does, as far as a pass tells one from another.</summary>
internal enum Operation
{
    /// <summary>Anything else: it writes what it writes, made of what it reads.</summary>
    Other,

    /// <summary>Nothing; also fills up space.</summary>
    Nop,

    /// <summary>Nothing that is left in a register or in memory: it tests, or marks an entry.</summary>
    NoEffect,

    /// <summary>Compares the first operand with the second.</summary>
    Compare,

    /// <summary>Compares, and exchanges where it is equal.</summary>
    CompareExchange,

    /// <summary>Copies the second operand to the first.</summary>
    Move,

    /// <summary>Copies it under a condition.</summary>
    ConditionalMove,

    /// <summary>Puts the address of the memory operand into the first one.</summary>
    LoadAddress,

    /// <summary>Makes the first operand zero.</summary>
    Clear,

    /// <summary>Adds the second operand to the first.</summary>
    Add,

    /// <summary>Subtracts the second operand from the first.</summary>
    Subtract,

    /// <summary>Keeps the bits of the first operand that the second has.</summary>
    And,

    /// <summary>Turns the bits of the first operand that the second has.</summary>
    ExclusiveOr,

    /// <summary>Puts the first operand on the stack.</summary>
    Push,

    /// <summary>Takes the first operand from the stack.</summary>
    Pop,

    /// <summary>Puts on the stack what is no address.</summary>
    PushState,

    /// <summary>Takes that from the stack.</summary>
    PopState,

    /// <summary>Ends a frame: the stack pointer becomes the frame pointer, which is taken from the stack.</summary>
    LeaveFrame,

    /// <summary>Copies bytes from where the second argument register points to where the first one does.</summary>
    CopyBytes,

    /// <summary>Stores the result register again and again where the first argument register points.</summary>
    FillBytes,

    /// <summary>Compares bytes that argument registers point to.</summary>
    ScanBytes,

    /// <summary>Ends in an exception.</summary>
    Trap,
}

/// <summary>How an instruction uses an operand or a register.</summary>
[Flags]
internal enum OperandAccess
{
    /// <summary>Not at all: of a memory operand only the address is used.</summary>
    None = 0,

    /// <summary>Reads it, or may.</summary>
    Read = 1,

    /// <summary>Writes all of it, always.</summary>
    Write = 2,

    /// <summary>Writes it, or may, so that what was there may be left.</summary>
    MayWrite = 4,
}

/// <summary>Kind of an operand.</summary>
internal enum OperandKind
{
    /// <summary>Something that is in no register and in no memory that is named.</summary>
    Other,

    /// <summary>A register.</summary>
    Register,

    /// <summary>A number in the instruction.</summary>
    Immediate,

    /// <summary>The target of a branch.</summary>
    Target,

    /// <summary>The memory operand.</summary>
    Memory,
}

/// <summary>A register.</summary>
/// <param name="Number">
/// General registers are numbered from 0, as the calling convention names them; others from <see cref="FirstSpecial"/>.
/// </param>
/// <param name="Size">How many bytes of it are meant.</param>
internal readonly record struct MachineRegister(int Number, int Size)
{
    /// <summary>First number of a register that is no general one.</summary>
    public const int FirstSpecial = 64;

    /// <summary>No register.</summary>
    public static MachineRegister None { get; } = new(-1, 0);

    /// <summary>True where there is one.</summary>
    public bool Exists => Number >= 0;

    /// <summary>True for one that may hold an address.</summary>
    public bool IsGeneral => Number is >= 0 and < FirstSpecial;
}

/// <summary>An operand.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Access">How it is used.</param>
/// <param name="Register">The register, if it is one.</param>
/// <param name="Value">The number, if it is one.</param>
/// <param name="Size">Size in bytes of the number; the field in the instruction may have fewer.</param>
internal readonly record struct Operand(OperandKind Kind, OperandAccess Access, MachineRegister Register, long Value, int Size)
{
    /// <summary>True for a register.</summary>
    public bool IsRegister => Kind == OperandKind.Register;

    /// <summary>True where it is read, or may be.</summary>
    public bool IsRead => (Access & OperandAccess.Read) != 0;

    /// <summary>True where it is written, or may be.</summary>
    public bool IsWritten => (Access & (OperandAccess.Write | OperandAccess.MayWrite)) != 0;
}

/// <summary>A register that an instruction uses, named by an operand or not.</summary>
internal readonly record struct RegisterUse(MachineRegister Register, OperandAccess Access)
{
    /// <summary>True where it is read, or may be.</summary>
    public bool IsRead => (Access & OperandAccess.Read) != 0;

    /// <summary>True where it is written, or may be.</summary>
    public bool IsWritten => (Access & (OperandAccess.Write | OperandAccess.MayWrite)) != 0;
}

/// <summary>The operand of an instruction that is in memory, or the address that it computes.</summary>
/// <param name="Base">The register that it counts from.</param>
/// <param name="Index">The register that is added to that.</param>
/// <param name="Displacement">What is added to both, in bytes; the address itself where there is none.</param>
/// <param name="Size">Size in bytes of what is there; 0 where nobody says.</param>
internal readonly record struct MemoryOperand(MachineRegister Base, MachineRegister Index, long Displacement, int Size)
{
    /// <summary>The place in the section, for one that is relative to the instruction; null for others.</summary>
    public ulong? Place { get; init; }

    /// <summary>True where it counts from the area of the processor that the code runs on.</summary>
    public bool IsPerCpu { get; init; }

    /// <summary>True where the instruction writes it, or may.</summary>
    public bool IsWritten { get; init; }

    /// <summary>True where no register has a part in the address.</summary>
    public bool IsPlain => Place is not null || (!Base.Exists && !Index.Exists);
}

/// <summary>A number in an instruction that a relocation may change.</summary>
/// <param name="Offset">Offset of its first byte in the section.</param>
/// <param name="Size">Size in bytes.</param>
/// <param name="Bias">
/// For one that is relative to the instruction, what is added to the value of the field besides the field's own address to get at
/// what it means: where the processor counts from the next instruction, the distance to that.
/// </param>
internal readonly record struct InstructionField(ulong Offset, int Size, int Bias);

/// <summary>One instruction, in words that processors share. What is expensive to find is found when somebody asks.</summary>
internal abstract class MachineInstruction
{
    private IReadOnlyList<Operand>? operands;
    private IReadOnlyList<RegisterUse>? registers;
    private MemoryOperand? memory;
    private bool isMemoryRead;

    /// <summary>Offset in the section.</summary>
    public abstract ulong Offset { get; }

    /// <summary>Offset of the next one.</summary>
    public abstract ulong End { get; }

    /// <summary>Length in bytes.</summary>
    public int Length => (int)(End - Offset);

    /// <summary>False for bytes that are no instruction.</summary>
    public abstract bool IsValid { get; }

    /// <summary>What it is to the processor, condition included. Two of one number differ in their operands alone.</summary>
    public abstract int Opcode { get; }

    /// <summary>What it does.</summary>
    public abstract Operation Operation { get; }

    /// <summary>What follows it.</summary>
    public abstract ControlFlow Flow { get; }

    /// <summary>For a direct call or jump the offset in the section of its target; null for other instructions.</summary>
    public abstract ulong? Target { get; }

    /// <summary>Where its immediate is, or the distance to its target.</summary>
    public abstract InstructionField? Immediate { get; }

    /// <summary>Where the displacement of its memory operand is.</summary>
    public abstract InstructionField? Displacement { get; }

    /// <summary>The operand in memory.</summary>
    public MemoryOperand? Memory
    {
        get
        {
            if (!isMemoryRead)
            {
                (memory, isMemoryRead) = (ReadMemory(), true);
            }

            return memory;
        }
    }

    /// <summary>True where it changes nothing but flags, a cache or a buffer of the processor.</summary>
    public abstract bool OnlyReads { get; }

    /// <summary>True where it moves the stack pointer in a way of its own.</summary>
    public abstract bool IsOfStack { get; }

    /// <summary>
    /// For an indirect call, true where it may be one by the calling convention; others are of inline assembly.
    /// </summary>
    public abstract bool MayCallByConvention { get; }

    /// <summary>Its operands, the first one first.</summary>
    public IReadOnlyList<Operand> Operands => operands ??= ReadOperands();

    /// <summary>All registers that it uses, those of its operands included.</summary>
    public IReadOnlyList<RegisterUse> Registers => registers ??= ReadRegisters();

    /// <summary>True for a direct call or jump.</summary>
    public bool IsBranch => Target is not null;

    /// <summary>The operand of this number, or one that is none.</summary>
    public Operand OperandAt(int index) =>
        index < Operands.Count ? Operands[index] : new(OperandKind.Other, OperandAccess.None, MachineRegister.None, 0, 0);

    /// <summary>The register that is the operand of this number, or none.</summary>
    public MachineRegister RegisterAt(int index) =>
        OperandAt(index) is { IsRegister: true } operand ? operand.Register : MachineRegister.None;

    /// <summary>Finds the operand in memory.</summary>
    protected abstract MemoryOperand? ReadMemory();

    /// <summary>Finds the operands.</summary>
    protected abstract IReadOnlyList<Operand> ReadOperands();

    /// <summary>Finds the registers.</summary>
    protected abstract IReadOnlyList<RegisterUse> ReadRegisters();
}
