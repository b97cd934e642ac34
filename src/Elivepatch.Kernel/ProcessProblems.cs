using Elivepatch.Model;

namespace Elivepatch.Kernel;

/// <summary>Failures of processes, sandboxes and files.</summary>
public static class ProcessProblems
{
    /// <summary>The sandbox program (<c>bwrap</c>) was not found on this machine.</summary>
    public static readonly ProblemCode SandboxMissing = new(
        901,
        ProblemKind.Environment,
        "bubblewrap is not installed",
        "Install bubblewrap (apt-get install bubblewrap)."
    );

    /// <summary>bubblewrap could not set up the sandbox.</summary>
    public static readonly ProblemCode SandboxFailed = new(
        902,
        ProblemKind.Environment,
        "the sandbox cannot be set up",
        "Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1), or run as root."
    );

    /// <summary>A program that a stage needs is not installed.</summary>
    public static readonly ProblemCode ToolMissing = new(
        903,
        ProblemKind.Environment,
        "a program is missing",
        "Install the package that the reason names."
    );

    /// <summary>A program that a stage needs exited with an error.</summary>
    public static readonly ProblemCode ToolFailed = new(
        904,
        ProblemKind.Environment,
        "a program failed",
        "Read the program's output in the reason."
    );

    /// <summary>The cache directory cannot be read or written.</summary>
    public static readonly ProblemCode CacheFailed = new(
        905,
        ProblemKind.Environment,
        "the cache cannot be used",
        "Check the free space and the permissions of the cache directory, or name another one in ELIVEPATCH_CACHE."
    );

    /// <summary>An archive is larger than its limit, or contains a path that leads outside of it.</summary>
    public static readonly ProblemCode ArchiveRefused = new(
        906,
        ProblemKind.Refused,
        "an archive was refused",
        "Use the archive as its publisher made it."
    );

    /// <summary>A command in the sandbox used more threads, memory or disk space than it may.</summary>
    public static readonly ProblemCode SandboxLimitExceeded = new(
        907,
        ProblemKind.Refused,
        "a command exceeded its limits",
        "Find what makes the command grow without bound: no step of a kernel build needs that much."
    );
}
