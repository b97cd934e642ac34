using Elivepatch.Model;

namespace Elivepatch.Builder;

/// <summary>Builds that no worker builds.</summary>
public static class WorkProblems
{
    /// <summary>No worker has the kernel's compiler.</summary>
    public static readonly ProblemCode NobodyBuilds = new(
        1060, ProblemKind.Environment, "no worker can build for this kernel",
        "Ask the server's operator to start a worker with the kernel's compiler; then ask again.")
    {
        IsTemporary = true,
    };

    /// <summary>A worker of another version.</summary>
    public static readonly ProblemCode WorkerOfOtherVersion = new(
        1061, ProblemKind.Usage, "the worker has another version than the server", "Install the server's version on the worker.");

    /// <summary>Another worker has the build.</summary>
    public static readonly ProblemCode BuildHeld = new(
        1062, ProblemKind.Environment, "another worker has the build", "Ask again: it ends, or becomes free when its worker is not heard of.")
    {
        IsTemporary = true,
    };

    /// <summary>There is nothing left to do for a build.</summary>
    public static readonly ProblemCode BuildOver = new(
        1063, ProblemKind.Usage, "the build has ended", "Leave it.");

    /// <summary>A worker speaks of a build that is not its own any more.</summary>
    public static readonly ProblemCode BuildLost = new(
        1064, ProblemKind.Usage, "the worker does not have the build (any more)", "Stop it: what comes of it is not taken.");

    /// <summary>A worker's result contradicts itself or its order.</summary>
    public static readonly ProblemCode WorkResultMalformed = new(
        1065, ProblemKind.Environment, "the worker's result makes no sense", "Look at the worker's log; it may be broken, or not ours.");
}
