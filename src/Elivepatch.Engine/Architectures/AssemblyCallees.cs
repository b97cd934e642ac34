namespace Elivepatch.Engine.Architectures;

/// <summary>Functions that are written in assembly, and what of the calling convention they keep to.</summary>
internal abstract class AssemblyCallees
{
    /// <summary>
    /// True where no argument outlives the call: registers are kept, and nothing of them is written to memory of the kernel.
    /// </summary>
    public abstract bool RetainsNothing(string? name);

    /// <summary>True where the callee need not keep to the calling convention: registers may hold what they did before.</summary>
    public abstract bool IsAssembly(string? name);

    /// <summary>True where the callee may use any register, and not those of arguments alone.</summary>
    public abstract bool UsesAnyRegister(string? name);

    /// <summary>True for the ftrace entry, which passes nothing on.</summary>
    public abstract bool IsFtraceEntry(string? name);

    /// <summary>True for what stands for a return.</summary>
    public abstract bool IsReturn(string? name);

    /// <summary>True for what stands for an indirect call or jump.</summary>
    public abstract bool IsIndirect(string? name);
}
