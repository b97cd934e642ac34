using Elivepatch.Model;

namespace Elivepatch.Author.Commands;

/// <summary>What keeps an author's verb from being run.</summary>
public static class AuthorProblems
{
    /// <summary>ELP0953.</summary>
    public static readonly ProblemCode NoBootImage = new(
        953,
        ProblemKind.Usage,
        "the kernel has no boot image for a trial",
        "Import the kernel again with --boot-image, or run the trial on a stock Debian kernel."
    );
}
