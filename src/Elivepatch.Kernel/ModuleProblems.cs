using Elivepatch.Model;

namespace Elivepatch.Kernel;

/// <summary>What keeps a module from being linked as kbuild does.</summary>
public static class ModuleProblems
{
    /// <summary>ELP0509.</summary>
    public static readonly ProblemCode ObjtoolWarning = new(509, ProblemKind.Refused, "the kernel's objtool does not understand the new code",
        "report the function; without objtool's tables the kernel could not unwind its stack");

    /// <summary>ELP0510.</summary>
    public static readonly ProblemCode ModuleRecipeUnreadable = new(510, ProblemKind.Environment, "how this kernel's modules are made cannot be learnt",
        "look at what kbuild said; the tree may be incomplete");
}
