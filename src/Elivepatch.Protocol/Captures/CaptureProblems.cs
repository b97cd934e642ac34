using Elivepatch.Model;

namespace Elivepatch.Protocol.Captures;

/// <summary>Captures that cannot be taken in.</summary>
public static class CaptureProblems
{
    /// <summary>A capture file is not one, or is damaged, or larger than any capture.</summary>
    public static readonly ProblemCode CaptureUnreadable = new(
        706,
        ProblemKind.Refused,
        "the kernel capture cannot be read",
        "Take the capture again with `elivepatch capture`."
    );
}
