using Elivepatch.Model;

namespace Elivepatch.Builder;

/// <summary>Problems between servers and workers.</summary>
public static class WorkProblems
{
    /// <summary>
    /// A server with workers was asked to build for a kernel whose compiler no worker has had in the last ten minutes.
    /// </summary>
    public static readonly ProblemCode NobodyBuilds = new(
        1060,
        ProblemKind.Environment,
        "no worker can build for this kernel",
        "Ask the server's operator to start a worker with the kernel's compiler, or to add a toolchain root with it to a server; then try again."
    )
    {
        IsTemporary = true,
    };

    /// <summary>
    /// Another version may build another livepatch from the same patch, so a server accepts builds only from workers of its own
    /// version.
    /// </summary>
    public static readonly ProblemCode WorkerOfOtherVersion = new(
        1061,
        ProblemKind.Usage,
        "the worker's version differs from the server's",
        "Install the server's version on the worker."
    );

    /// <summary>A worker received the message of a build that another worker runs and has reported recently.</summary>
    public static readonly ProblemCode BuildHeld = new(
        1062,
        ProblemKind.Environment,
        "another worker holds the build",
        "Try again: the build ends, or becomes free when its worker stops reporting."
    )
    {
        IsTemporary = true,
    };

    /// <summary>A worker received the message of a build that has ended or been cancelled in the meantime.</summary>
    public static readonly ProblemCode BuildOver = new(
        1063,
        ProblemKind.Usage,
        "the build has ended",
        "Discard the message: nothing is left to do."
    );

    /// <summary>What a worker reports about a build names its attempt.</summary>
    public static readonly ProblemCode BuildLost = new(
        1064,
        ProblemKind.Usage,
        "the worker no longer holds the build",
        "Stop the build: its result is not accepted."
    );

    /// <summary>
    /// A worker's result has neither a livepatch nor a problem, has both, or has a livepatch for another build than the one
    /// that it was given.
    /// </summary>
    public static readonly ProblemCode WorkResultMalformed = new(
        1065,
        ProblemKind.Environment,
        "the worker's result is invalid",
        "Check the worker's log: the worker may be faulty, or not one of this server's."
    );
}
