using Elivepatch.Model;

namespace Elivepatch.Engine;

/// <summary>Code that is not the code that runs.</summary>
public static class FidelityProblems
{
    private const string WhatToCheck =
        "check that the source is exactly that of the running kernel with all base patches applied, that the configuration is its own,"
        + " and that the compiler is the one that built it";

    /// <summary>A section of the unit fits the running kernel's symbols at no address.</summary>
    public static readonly ProblemCode LayoutDiffers = new(301, ProblemKind.Mismatch,
        "the unit is laid out differently in the running kernel", WhatToCheck);

    /// <summary>Names and offsets fit, code or data do not.</summary>
    public static readonly ProblemCode BytesDiffer = new(302, ProblemKind.Mismatch,
        "the code of the unit differs from that of the running kernel", WhatToCheck);

    /// <summary>Code of the unit fits at more than one address.</summary>
    public static readonly ProblemCode AmbiguousPlacement = new(303, ProblemKind.Refused,
        "the place of the unit in the running kernel is not certain",
        "import the kernel with its boot image: the bytes of the code tell places apart that symbols alone do not");

    /// <summary>Compiling with a section per function gave other code than compiling as the kernel was.</summary>
    public static readonly ProblemCode BeforeDiffersFromAsBuilt = new(304, ProblemKind.Refused,
        "a section per function changes the code of the unit",
        "a livepatch of this unit cannot be proven; patch a caller or callee in another unit");

    /// <summary>The object that was compiled cannot be compared with anything.</summary>
    public static readonly ProblemCode UnusableObject = new(305, ProblemKind.Environment,
        "the compiled object cannot be understood",
        "check which compiler and assembler were run: the object is not what they make for an x86-64 kernel");
}
