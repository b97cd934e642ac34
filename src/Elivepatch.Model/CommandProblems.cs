namespace Elivepatch.Model;

/// <summary>What is wrong with a command line and its files.</summary>
public static class CommandProblems
{
    /// <summary>ELP0950.</summary>
    public static readonly ProblemCode UsageInvalid = new(950, ProblemKind.Usage, "the command line cannot be understood",
        "read `elivepatch --help`");

    /// <summary>ELP0951.</summary>
    public static readonly ProblemCode InputUnusable = new(951, ProblemKind.Usage, "a file that the command line names cannot be used",
        "name an existing, readable file of the right kind");

    /// <summary>ELP0952.</summary>
    public static readonly ProblemCode OutputUnusable = new(952, ProblemKind.Environment, "the output file cannot be written",
        "name a file in an existing folder that you may write to, on a disk with room");
}
