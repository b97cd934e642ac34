using Elivepatch.Model;

namespace Elivepatch.Protocol;

/// <summary>Keys and manifests that are not to be trusted.</summary>
public static class TrustProblems
{
    /// <summary>A public key is none.</summary>
    public static readonly ProblemCode PublicKeyUnusable = new(
        1101, ProblemKind.Usage, "the public key cannot be used", "Use the key that `elivepatchd keys list` prints.");

    /// <summary>A manifest is not one.</summary>
    public static readonly ProblemCode ManifestUnreadable = new(
        1102, ProblemKind.Refused, "the manifest cannot be read", "Get it again from the server; where that does not help, the server is not what it should be.");

    /// <summary>A manifest is not signed by the pinned key.</summary>
    public static readonly ProblemCode SignatureWrong = new(
        1103, ProblemKind.Refused, "the signature is wrong", "Do not load the module. If the server's operator changed its key without rotation, pin the new one.");

    /// <summary>A module is not the one that its manifest is about.</summary>
    public static readonly ProblemCode ArtifactChanged = new(
        1104, ProblemKind.Refused, "the module is not what was signed", "Do not load the module; get it again.");

    /// <summary>A module is for another kernel.</summary>
    public static readonly ProblemCode ArtifactForOtherKernel = new(
        1105, ProblemKind.Refused, "the module is for another kernel", "Ask for a livepatch for the kernel that runs.");

    /// <summary>A module is of other patches than were asked for.</summary>
    public static readonly ProblemCode ArtifactOfOtherPatches = new(
        1106, ProblemKind.Refused, "the module is of other patches", "Do not load the module: the server answered another question.");

    /// <summary>An older manifest than one that was accepted.</summary>
    public static readonly ProblemCode ManifestRolledBack = new(
        1107, ProblemKind.Refused, "the manifest is older than one that was accepted", "Get the manifest again from the server: somebody replays an old one.");

    /// <summary>A manifest is too old.</summary>
    public static readonly ProblemCode ManifestExpired = new(
        1108, ProblemKind.Refused, "the manifest has expired", "Get the manifest again from the server, and see that the clock is right.");

    /// <summary>A manifest was issued later than now.</summary>
    public static readonly ProblemCode ManifestFromFuture = new(
        1109, ProblemKind.Refused, "the manifest comes from the future", "See that the clocks of machine and server are right.");

    /// <summary>The server's key is not trusted.</summary>
    public static readonly ProblemCode KeyNotTrusted = new(
        1110, ProblemKind.Refused, "the server's key is not trusted", "Ask the server's operator for its key's identity and pin it with --key.");
}
