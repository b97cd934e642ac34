using Elivepatch.Model;

namespace Elivepatch.Server;

/// <summary>Requests of the first elivepatch.</summary>
public static class FirstApiProblems
{
    /// <summary>A client of the first elivepatch sends only its kernel's version and configuration.</summary>
    public static readonly ProblemCode FirstKernelUnknown = new(
        1080,
        ProblemKind.Usage,
        "the kernel cannot be identified by its version and configuration",
        "Install the current `elivepatch` on the machine and run `elivepatch patch FILE.patch --server URL`."
    );
}
