using Elivepatch.Engine;

namespace Elivepatch.Terminal;

/// <summary>What the command's exit status says.</summary>
public static class ExitStatus
{
    /// <summary>Everything was done.</summary>
    public const int Done = 0;

    /// <summary>The status of an unexpected failure, as of one of the environment.</summary>
    public const int Unexpected = (int)ProblemKind.Environment;

    /// <summary>A shell's status of a command that a signal ended, less the signal's number.</summary>
    public const int Signalled = 128;

    // A failing environment makes every other finding doubtful, and a kernel that does not match makes refusals so.
    private static readonly ProblemKind[] byWeight =
        [ProblemKind.Environment, ProblemKind.Usage, ProblemKind.Mismatch, ProblemKind.Refused, ProblemKind.NoChange];

    /// <summary>The status of a run that ended with these problems: the weightiest one's.</summary>
    public static int Of(IEnumerable<Problem> problems)
    {
        var kinds = problems.Select(p => p.Code.Kind).ToHashSet();
        return kinds.Count == 0 ? Done : (int)byWeight.First(kinds.Contains);
    }
}
