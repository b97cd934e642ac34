using Elivepatch.Model;

namespace Elivepatch.Terminal;

/// <summary>What the command's exit status says.</summary>
public static class ExitStatus
{
    /// <summary>Everything was done.</summary>
    public const int Done = 0;

    /// <summary>The status of an unexpected failure, as of one of the environment.</summary>
    public const int Unexpected = (int)ProblemKind.Environment;

    /// <summary>
    /// The same command may succeed later, unchanged: EX_TEMPFAIL of sysexits(3), which mailers, cron jobs and systemd's
    /// <c>RestartForceExitStatus=</c> know to try again.
    /// </summary>
    public const int TryAgain = 75;

    /// <summary>A shell's status of a command that a signal ended, less the signal's number.</summary>
    public const int Signalled = 128;

    // A failing environment makes every other finding doubtful, and a kernel that does not match makes refusals so.
    private static readonly ProblemKind[] byWeight =
    [
        ProblemKind.Environment,
        ProblemKind.Usage,
        ProblemKind.Mismatch,
        ProblemKind.Refused,
        ProblemKind.NoChange,
    ];

    /// <summary>
    /// The status of a run that ended with these problems: that of the weightiest kind, or <see cref="TryAgain"/> where every
    /// problem of that kind goes away by itself.
    /// </summary>
    public static int Of(IEnumerable<Problem> problems)
    {
        var kinds = problems.ToLookup(p => p.Code.Kind, p => p.Code.IsTemporary);
        if (kinds.Count == 0)
        {
            return Done;
        }

        var weightiest = byWeight.First(kinds.Contains);
        return kinds[weightiest].All(isTemporary => isTemporary) ? TryAgain : (int)weightiest;
    }
}
