using Elivepatch.Model;

namespace Elivepatch.Server;

/// <summary>Requests of the first elivepatch.</summary>
public static class FirstApiProblems
{
    /// <summary>A client of the first elivepatch asks for a kernel that is not known, or not by what it says alone.</summary>
    public static readonly ProblemCode FirstKernelUnknown = new(
        1080, ProblemKind.Usage, "the kernel cannot be told by its version and configuration",
        "Install the present `elivepatch` on the machine, and let it send what it runs: elivepatch patch FILE.patch --server URL.");
}
