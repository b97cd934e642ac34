namespace Elivepatch.Model;

/// <summary>What several parts meet of a kernel: what it does not show, and what it does not take.</summary>
public static class KernelProblems
{
    /// <summary>The livepatch's name cannot be a module's.</summary>
    public static readonly ProblemCode ModuleNameUnusable = new(
        119,
        ProblemKind.Usage,
        "the name is not a valid module name",
        "Use letters, digits and underscores, starting with a letter, and at most 55 characters."
    );

    /// <summary>All addresses are zero: the kernel hid them from the process that read the file.</summary>
    public static readonly ProblemCode HiddenAddresses = new(
        751,
        ProblemKind.Environment,
        "the kernel's symbols have no addresses",
        "Capture as root with kernel.kptr_restrict at 0 or 1 (sysctl kernel.kptr_restrict)."
    );
}
