namespace Elivepatch.Engine.Architectures;

/// <summary>How a branch of <c>__jump_table</c> looks: a jump, or a NOP of the same length.</summary>
internal abstract class StaticBranches
{
    /// <summary>Length in bytes of the branch that these bytes start with, jump or NOP; 0 where they are neither.</summary>
    public abstract int LengthOf(ReadOnlySpan<byte> code);

    /// <summary>The branch's NOP, in a length that <see cref="LengthOf"/> gave.</summary>
    public abstract byte[] NopOf(int length);

    /// <summary>True where the bytes at this address are the branch's NOP, or its jump, in the given length.</summary>
    public abstract bool IsBranchTo(ReadOnlySpan<byte> code, int length, ulong address, ulong target);
}

/// <summary>Where an assembler chooses between branches of several lengths, and fills up with NOPs of several lengths.</summary>
internal abstract class BranchForms
{
    /// <summary>
    /// True for a direct branch without anything that may mean more than its target, so that another length of it is the same.
    /// </summary>
    public abstract bool IsPlain(ReadOnlySpan<byte> branch);

    /// <summary>True for the NOP with which what is rewritten at run time is filled up.</summary>
    public abstract bool IsFiller(ReadOnlySpan<byte> nop);
}
