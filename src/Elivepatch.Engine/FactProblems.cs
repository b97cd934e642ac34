using Elivepatch.Model;

namespace Elivepatch.Engine;

/// <summary>Facts of a kernel that cannot be read.</summary>
public static class FactProblems
{
    /// <summary>A line of <c>/proc/kallsyms</c> cannot be read.</summary>
    public static readonly ProblemCode MalformedKallsyms = new(750, ProblemKind.Environment,
        "the symbols of the kernel cannot be read",
        "capture the kernel again; /proc/kallsyms has lines of the form 'address type name' and '[module]' behind a module's");

    /// <summary>A line of <c>Module.symvers</c> cannot be read.</summary>
    public static readonly ProblemCode MalformedSymvers = new(752, ProblemKind.Environment,
        "Module.symvers cannot be read",
        "take the file from the headers package of the kernel, or from the directory in which it was built");

    /// <summary>The boot image is not what the symbols describe, or has no place for them.</summary>
    public static readonly ProblemCode UnusableImage = new(753, ProblemKind.Environment,
        "the image of the kernel cannot be used",
        "take the image from the package of exactly this kernel");
}
