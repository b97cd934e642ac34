using Elivepatch.Model;

namespace Elivepatch.Kernel;

/// <summary>Toolchain roots that cannot be had or used.</summary>
public static class ToolchainProblems
{
    /// <summary>No toolchain root has this name or digest.</summary>
    public static readonly ProblemCode RootUnknown = new(
        721,
        ProblemKind.Usage,
        "no such toolchain root",
        "List the roots with `elivepatch toolchain list`."
    );

    /// <summary>The file system has no compiler, or lacks what kbuild runs.</summary>
    public static readonly ProblemCode RootUnusable = new(
        722,
        ProblemKind.Refused,
        "a root file system cannot be used to build",
        "Use one with GCC, binutils, make, flex, bison, bc, perl, patch, xz and the headers of libelf and OpenSSL; "
            + "`elivepatch toolchain add debian:SUITE` makes such a root."
    );

    /// <summary>The stored root is damaged.</summary>
    public static readonly ProblemCode RootDamaged = new(
        723,
        ProblemKind.Environment,
        "a toolchain root is damaged",
        "Remove the root (`elivepatch toolchain remove`) and add it again."
    );

    /// <summary>The packages of a root cannot be had together.</summary>
    public static readonly ProblemCode RootNotMade = new(
        724,
        ProblemKind.Environment,
        "a toolchain root cannot be made",
        "Read apt's messages in the reason. Where packages of the suite do not fit together, they do some hours later: it is being updated."
    );
}
