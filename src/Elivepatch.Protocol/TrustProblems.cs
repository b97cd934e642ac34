using Elivepatch.Model;

namespace Elivepatch.Protocol;

/// <summary>Keys and manifests that are not trusted.</summary>
public static class TrustProblems
{
    /// <summary>The file or text is not a public key, or not the identity of one.</summary>
    public static readonly ProblemCode PublicKeyUnusable = new(
        1101,
        ProblemKind.Usage,
        "the public key cannot be used",
        "Use the identity that `elivepatchd keys list` prints, or the key that `elivepatchd keys export` prints."
    );

    /// <summary>The file is not a manifest, or is damaged.</summary>
    public static readonly ProblemCode ManifestUnreadable = new(
        1102,
        ProblemKind.Refused,
        "the manifest cannot be read",
        "Fetch the manifest again from the server; if that does not help, do not trust the server."
    );

    /// <summary>The manifest is not signed by the pinned key.</summary>
    public static readonly ProblemCode SignatureWrong = new(
        1103,
        ProblemKind.Refused,
        "the signature is invalid",
        "Do not load the module. If the server's operator changed the key without rotating it, pin the new key."
    );

    /// <summary>The module does not have the digest that its manifest names.</summary>
    public static readonly ProblemCode ArtifactChanged = new(
        1104,
        ProblemKind.Refused,
        "the module is not the one that was signed",
        "Do not load the module; fetch it again."
    );

    /// <summary>The manifest names another kernel.</summary>
    public static readonly ProblemCode ArtifactForOtherKernel = new(
        1105,
        ProblemKind.Refused,
        "the module is for another kernel",
        "Request a livepatch for the running kernel."
    );

    /// <summary>The manifest names other patches or other statements than were requested.</summary>
    public static readonly ProblemCode ArtifactOfOtherPatches = new(
        1106,
        ProblemKind.Refused,
        "the module was built from other patches",
        "Do not load the module: the server answered another request."
    );

    /// <summary>The manifest was issued before one that this machine has already accepted.</summary>
    public static readonly ProblemCode ManifestRolledBack = new(
        1107,
        ProblemKind.Refused,
        "the manifest is older than one already accepted",
        "Fetch the manifest again from the server: an old one is being replayed."
    );

    /// <summary>The validity of the manifest has ended.</summary>
    public static readonly ProblemCode ManifestExpired = new(
        1108,
        ProblemKind.Refused,
        "the manifest has expired",
        "Fetch the manifest again from the server, and check that the clock is right."
    );

    /// <summary>By this machine's clock the manifest was issued later than now.</summary>
    public static readonly ProblemCode ManifestFromFuture = new(
        1109,
        ProblemKind.Refused,
        "the manifest was issued in the future",
        "Check that the clocks of the machine and the server are right."
    );

    /// <summary>No key is pinned for the server, or its key cannot be reached from the pinned one by endorsements.</summary>
    public static readonly ProblemCode KeyNotTrusted = new(
        1110,
        ProblemKind.Refused,
        "the server's key is not trusted",
        "Ask the server's operator for the identity of the server's key, and pin it with --key."
    );
}
