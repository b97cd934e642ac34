using Elivepatch.Model;

namespace Elivepatch.Kernel;

/// <summary>What keeps a module from being linked as kbuild does.</summary>
public static class ModuleProblems
{
    /// <summary>ELP0509.</summary>
    public static readonly ProblemCode ObjtoolWarning = new(
        509,
        ProblemKind.Refused,
        "the kernel's objtool rejects the new code",
        "Report the function: without objtool's tables the kernel could not unwind its stack."
    );

    /// <summary>ELP0510.</summary>
    public static readonly ProblemCode ModuleRecipeUnreadable = new(
        510,
        ProblemKind.Environment,
        "the kernel's way of linking modules cannot be determined",
        "Read kbuild's messages in the reason; the tree may be incomplete."
    );
}
