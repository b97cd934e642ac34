namespace Elivepatch.Model;

/// <summary>Problems of a command line and the files that it names.</summary>
public static class CommandProblems
{
    /// <summary>ELP0950.</summary>
    public static readonly ProblemCode UsageInvalid = new(
        950,
        ProblemKind.Usage,
        "invalid command line",
        "Read `elivepatch --help`."
    );

    /// <summary>ELP0951.</summary>
    public static readonly ProblemCode InputUnusable = new(
        951,
        ProblemKind.Usage,
        "a file named on the command line cannot be used",
        "Name an existing, readable file of the right kind."
    );

    /// <summary>ELP0952.</summary>
    public static readonly ProblemCode OutputUnusable = new(
        952,
        ProblemKind.Environment,
        "the output file cannot be written",
        "Name a file in an existing, writable directory on a disk with free space."
    );
}
