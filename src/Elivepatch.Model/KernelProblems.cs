namespace Elivepatch.Model;

/// <summary>What several parts meet of a kernel: what it does not show, and what it does not take.</summary>
public static class KernelProblems
{
    /// <summary>The livepatch's name cannot be a module's.</summary>
    public static readonly ProblemCode ModuleNameUnusable = new(
        119, ProblemKind.Usage, "a name that a module cannot have",
        "Use letters, digits and underscores, a letter first, 55 characters at most.");

    /// <summary>All addresses are zero: the kernel hid them from whoever read the file.</summary>
    public static readonly ProblemCode HiddenAddresses = new(751, ProblemKind.Environment,
        "the symbols of the kernel carry no addresses",
        "capture as root with kernel.kptr_restrict at 0 or 1 (sysctl kernel.kptr_restrict)");
}
