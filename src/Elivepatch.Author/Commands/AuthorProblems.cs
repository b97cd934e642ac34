using Elivepatch.Model;

namespace Elivepatch.Author.Commands;

/// <summary>What keeps an author's verb from being run.</summary>
public static class AuthorProblems
{
    /// <summary>ELP0953.</summary>
    public static readonly ProblemCode NoBootImage = new(953, ProblemKind.Usage, "the kernel has no boot image to try a livepatch on",
        "import it again with --boot-image, or try it on a stock Debian kernel");
}
