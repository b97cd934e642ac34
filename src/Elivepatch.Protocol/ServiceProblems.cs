using Elivepatch.Model;

namespace Elivepatch.Protocol;

/// <summary>What a machine and a service tell each other.</summary>
public static class ServiceProblems
{
    /// <summary>The server named a problem by something that is no number of ours.</summary>
    public static readonly ProblemCode ServerProblemUnknown = new(
        1001, ProblemKind.Environment, "the server reports a problem", "The server is newer than this command: its documentation has the number.");

    /// <summary>The server cannot be reached, or ended the conversation.</summary>
    public static readonly ProblemCode ServerUnreachable = new(
        1002, ProblemKind.Environment, "the server cannot be reached", "Check the address and the network; asking again continues where it ended.")
    {
        IsTemporary = true,
    };

    /// <summary>An answer of the server makes no sense.</summary>
    public static readonly ProblemCode ServerAnswerMalformed = new(
        1003, ProblemKind.Environment, "the server's answer makes no sense", "See that the address is that of an elivepatchd.");

    /// <summary>No token, or one that is unknown, revoked or expired.</summary>
    public static readonly ProblemCode TokenRefused = new(
        1004, ProblemKind.Usage, "the token is not accepted", "Ask the server's operator for a token.");

    /// <summary>The token may not do this.</summary>
    public static readonly ProblemCode ScopeMissing = new(
        1005, ProblemKind.Usage, "the token may not do this", "Ask the server's operator for a token with the scope.");

    /// <summary>A request is larger than the server takes.</summary>
    public static readonly ProblemCode RequestTooLarge = new(
        1007, ProblemKind.Usage, "the request is too large", "Send less; the operator can raise the limit.");

    /// <summary>Too many requests, or too many builds at once.</summary>
    public static readonly ProblemCode TooManyRequests = new(
        1008, ProblemKind.Environment, "too many requests", "Wait as long as the answer says and ask again.")
    {
        IsTemporary = true,
    };

    /// <summary>The server needs more of a kernel.</summary>
    public static readonly ProblemCode KernelIncomplete = new(
        1011, ProblemKind.Usage, "the server does not know enough of the kernel", "Send what is missing.");

    /// <summary>The operator does not let clients send this.</summary>
    public static readonly ProblemCode PartForbidden = new(
        1013, ProblemKind.Refused, "the server does not take this from clients", "Ask the server's operator to provide it.");

    /// <summary>A build ended without a result too often.</summary>
    public static readonly ProblemCode BuildAbandoned = new(
        1015, ProblemKind.Environment, "the build never came to its end", "The build's log says how far it came; ask the server's operator.")
    {
        IsTemporary = true,
    };

    /// <summary>A livepatch that the server had published breaks a rule of today.</summary>
    public static readonly ProblemCode LivepatchWithdrawn = new(
        1073, ProblemKind.Refused, "the livepatch has been withdrawn",
        "Ask for it again: it is built anew, by the rules of today. "
        + "Where it is live, `elivepatch patch` replaces it and `elivepatch disable` takes it away.")
    {
        IsTemporary = true,
    };
}
