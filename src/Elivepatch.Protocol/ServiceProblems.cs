using Elivepatch.Model;

namespace Elivepatch.Protocol;

/// <summary>Problems between a machine and the service.</summary>
public static class ServiceProblems
{
    /// <summary>The server reported a problem by something that is not an ELP number.</summary>
    public static readonly ProblemCode ServerProblemUnknown = new(
        1001,
        ProblemKind.Environment,
        "the server reports a problem",
        "See the documentation of the server, which is newer than this command."
    );

    /// <summary>No connection to the server could be made, or the server closed it.</summary>
    public static readonly ProblemCode ServerUnreachable = new(
        1002,
        ProblemKind.Environment,
        "the server cannot be reached",
        "Check the address and the network, and run the command again: it continues where it stopped."
    )
    {
        IsTemporary = true,
    };

    /// <summary>An answer of the server could not be understood.</summary>
    public static readonly ProblemCode ServerAnswerMalformed = new(
        1003,
        ProblemKind.Environment,
        "malformed answer from the server",
        "Check that the address is that of an elivepatchd."
    );

    /// <summary>The request has no token, or one that is unknown, revoked or expired.</summary>
    public static readonly ProblemCode TokenRefused = new(
        1004,
        ProblemKind.Usage,
        "the token is not accepted",
        "Ask the server's operator for a token."
    );

    /// <summary>The token does not have the scope that the request needs.</summary>
    public static readonly ProblemCode ScopeMissing = new(
        1005,
        ProblemKind.Usage,
        "the token lacks a scope",
        "Ask the server's operator for a token with the scope that the reason names."
    );

    /// <summary>The request is larger than the server accepts.</summary>
    public static readonly ProblemCode RequestTooLarge = new(
        1007,
        ProblemKind.Usage,
        "the request is too large",
        "Send less, or ask the server's operator to raise the limit."
    );

    /// <summary>There are too many requests, or too many open builds.</summary>
    public static readonly ProblemCode TooManyRequests = new(
        1008,
        ProblemKind.Environment,
        "too many requests",
        "Wait as long as the answer says, then try again."
    )
    {
        IsTemporary = true,
    };

    /// <summary>The server needs more parts of the kernel, such as its source, before it can build.</summary>
    public static readonly ProblemCode KernelIncomplete = new(
        1011,
        ProblemKind.Usage,
        "the server lacks parts of the kernel",
        "Send the parts that the reason names."
    );

    /// <summary>The operator does not allow clients to send this.</summary>
    public static readonly ProblemCode PartForbidden = new(
        1013,
        ProblemKind.Refused,
        "the server does not accept this from clients",
        "Ask the server's operator to provide it."
    );

    /// <summary>The build was interrupted too often, was cancelled, or did not end in the time that the client waits.</summary>
    public static readonly ProblemCode BuildAbandoned = new(
        1015,
        ProblemKind.Environment,
        "the build was abandoned",
        "Read the build's log to see how far it came, or ask the server's operator."
    )
    {
        IsTemporary = true,
    };

    /// <summary>The server had published the livepatch.</summary>
    public static readonly ProblemCode LivepatchWithdrawn = new(
        1073,
        ProblemKind.Refused,
        "the livepatch has been withdrawn",
        "Request it again: it is rebuilt under the current rules. Where it is live, `elivepatch patch` replaces it and "
            + "`elivepatch disable` removes it."
    )
    {
        IsTemporary = true,
    };
}
