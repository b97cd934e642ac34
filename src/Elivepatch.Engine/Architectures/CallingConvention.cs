namespace Elivepatch.Engine.Architectures;

/// <summary>How functions of the kernel call each other, in numbers of general registers.</summary>
/// <param name="Arguments">The registers of the first arguments, in order. Further ones are on the stack.</param>
/// <param name="Results">That of a result, and that of its second half.</param>
/// <param name="Scratch">Those that a call leaves undefined.</param>
/// <param name="StackPointer">The stack pointer.</param>
/// <param name="FramePointer">The register that may keep the stack pointer of a frame.</param>
/// <param name="Registers">How many general registers there are.</param>
/// <param name="ReturnAddress">How many bytes a call puts on the stack.</param>
internal sealed record CallingConvention(
    IReadOnlyList<int> Arguments,
    (int First, int Second) Results,
    IReadOnlyList<int> Scratch,
    int StackPointer,
    int FramePointer,
    int Registers,
    int ReturnAddress
)
{
    /// <summary>True where a call keeps what is in the register.</summary>
    public bool IsKept(int register) =>
        register is >= 0 and < MachineRegister.FirstSpecial && register != StackPointer && !Scratch.Contains(register);
}
