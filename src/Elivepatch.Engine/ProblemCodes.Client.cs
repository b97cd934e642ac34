using static Elivepatch.Engine.ProblemKind;

namespace Elivepatch.Engine;

/// <content>Numbers 095x: the command line and the files that it names.</content>
public static partial class ProblemCodes
{
    /// <summary>ELP0950.</summary>
    public static readonly ProblemCode UsageInvalid = new(950, Usage, "the command line cannot be understood",
        "read `elivepatch --help`");

    /// <summary>ELP0951.</summary>
    public static readonly ProblemCode InputUnusable = new(951, Usage, "a file that the command line names cannot be used",
        "name an existing, readable file of the right kind");

    /// <summary>ELP0952.</summary>
    public static readonly ProblemCode OutputUnusable = new(952, ProblemKind.Environment, "the output file cannot be written",
        "name a file in an existing folder that you may write to, on a disk with room");

    /// <summary>ELP0953.</summary>
    public static readonly ProblemCode NoBootImage = new(953, Usage, "the kernel has no boot image to try a livepatch on",
        "import it again with --boot-image, or try it on a stock Debian kernel");

    /// <summary>ELP0954.</summary>
    public static readonly ProblemCode StatementsUnreadable = new(954, Usage, "the statements file cannot be read",
        "correct the named line: the chapter \"Statements\" of docs/author-guide.md has the form and an example");
}
