using Elivepatch.Model;

namespace Elivepatch.Kernel;

/// <summary>Processes, sandboxes and files that fail.</summary>
public static class ProcessProblems
{
    /// <summary>The sandbox program is not installed.</summary>
    public static readonly ProblemCode SandboxMissing = new(
        901, ProblemKind.Environment, "bubblewrap is not installed", "Install it: apt-get install bubblewrap");

    /// <summary>The sandbox could not be set up.</summary>
    public static readonly ProblemCode SandboxFailed = new(
        902, ProblemKind.Environment, "the sandbox could not be set up",
        "Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1), or run as root.");

    /// <summary>A program that a stage needs is not installed.</summary>
    public static readonly ProblemCode ToolMissing = new(
        903, ProblemKind.Environment, "a program is missing", "Install the package that the reason names.");

    /// <summary>A program that a stage needs failed.</summary>
    public static readonly ProblemCode ToolFailed = new(
        904, ProblemKind.Environment, "a program failed", "The reason carries what it said.");

    /// <summary>The cache could not be read or written.</summary>
    public static readonly ProblemCode CacheFailed = new(
        905, ProblemKind.Environment, "the cache cannot be used",
        "Check the free space and the rights of the cache folder, or name another one in ELIVEPATCH_CACHE.");

    /// <summary>An archive is larger than anything of its kind, or leaves its folder.</summary>
    public static readonly ProblemCode ArchiveRefused = new(
        906, ProblemKind.Refused, "an archive was refused", "Use an archive as its publisher made it.");

    /// <summary>A command in the sandbox used more than it may.</summary>
    public static readonly ProblemCode SandboxLimitExceeded = new(
        907, ProblemKind.Refused, "a command used more than it may",
        "Nothing that belongs to a kernel's build needs so much: look for what makes it grow without end.");
}
