using Elivepatch.Model;

namespace Elivepatch.Engine;

/// <summary>Compiled code that does not match the running kernel.</summary>
public static class FidelityProblems
{
    private const string WhatToCheck =
        "Check that the source is exactly that of the running kernel with all base patches applied, that the configuration "
        + "is its own, and that the compiler is the one that built it. Of a module with a source of its own: that --module-source "
        + "is the version that is installed, compiled in --module-path with --make-variable.";

    /// <summary>A section of the compiled unit matches the running kernel's symbols at no address.</summary>
    public static readonly ProblemCode LayoutDiffers = new(
        301,
        ProblemKind.Mismatch,
        "the unit is laid out differently in the running kernel",
        WhatToCheck
    );

    /// <summary>The names and offsets of the symbols match, but bytes of code or data differ.</summary>
    public static readonly ProblemCode BytesDiffer = new(
        302,
        ProblemKind.Mismatch,
        "the code of the unit differs from that of the running kernel",
        WhatToCheck
    );

    /// <summary>The code of the unit matches the running kernel at more than one address.</summary>
    public static readonly ProblemCode AmbiguousPlacement = new(
        303,
        ProblemKind.Refused,
        "the address of the unit in the running kernel is ambiguous",
        "Import the kernel with its boot image: the bytes of the code distinguish addresses that the symbols alone do not."
    );

    /// <summary>
    /// The unit compiled with one section per function has different code from the unit compiled as the kernel was.
    /// </summary>
    public static readonly ProblemCode BeforeDiffersFromAsBuilt = new(
        304,
        ProblemKind.Refused,
        "compiling with one section per function changes the code of the unit",
        "Patch a caller or callee in another unit: a livepatch of this unit cannot be proven to match."
    );
}
