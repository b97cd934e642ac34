using Elivepatch.Model;

namespace Elivepatch.Engine;

/// <summary>Facts of a kernel (symbols, exports, boot image) that cannot be used.</summary>
public static class FactProblems
{
    /// <summary>A line of <c>/proc/kallsyms</c> is malformed.</summary>
    public static readonly ProblemCode MalformedKallsyms = new(
        750,
        ProblemKind.Environment,
        "the kernel's symbols cannot be read",
        "Capture the kernel again; lines of /proc/kallsyms have the form 'address type name', followed by '[module]' for the "
            + "symbol of a module."
    );

    /// <summary>A line of <c>Module.symvers</c> is malformed.</summary>
    public static readonly ProblemCode MalformedSymvers = new(
        752,
        ProblemKind.Environment,
        "Module.symvers cannot be read",
        "Take the file from the headers package of the kernel, or from the directory in which the kernel was built."
    );

    /// <summary>The boot image does not match the symbols, or has no place for them.</summary>
    public static readonly ProblemCode UnusableImage = new(
        753,
        ProblemKind.Environment,
        "the kernel image cannot be used",
        "Take the image from the package of exactly this kernel."
    );
}
