using Elivepatch.Model;

namespace Elivepatch.Server;

/// <summary>Requests that the service refuses, and what keeps it from serving.</summary>
public static class ServerProblems
{
    /// <summary>The request does not have the form that the API description requires.</summary>
    public static readonly ProblemCode RequestMalformed = new(
        1006,
        ProblemKind.Usage,
        "the request is malformed",
        "See the description of the API, docs/api/v1.json."
    );

    /// <summary>There is no build with this ID.</summary>
    public static readonly ProblemCode BuildUnknown = new(
        1009,
        ProblemKind.Usage,
        "no such build",
        "List the builds, or submit the build."
    );

    /// <summary>The build has not produced this result.</summary>
    public static readonly ProblemCode ResultMissing = new(
        1010,
        ProblemKind.Usage,
        "the build has no such result",
        "Wait until the build has succeeded; a build without a test has no console."
    );

    /// <summary>A base patch changes how the kernel is built, and the server does not allow that.</summary>
    public static readonly ProblemCode BuildPatchForbidden = new(
        1012,
        ProblemKind.Refused,
        "a base patch changes the build system",
        "Ask the server's operator to allow it (allowBuildPatches) or to add the kernel."
    );

    /// <summary>The keys with which manifests are signed cannot be used.</summary>
    public static readonly ProblemCode KeyRingUnusable = new(
        1030,
        ProblemKind.Environment,
        "the server's keys cannot be used",
        "Restore the key directory as it was; only its owner may have access to it."
    );

    /// <summary>The key with which modules are signed, or its certificate, cannot be used.</summary>
    public static readonly ProblemCode ModuleKeyUnusable = new(
        1031,
        ProblemKind.Environment,
        "the module signing key cannot be used",
        "Configure a private key and its certificate, both in PEM, as the kernel's own build makes them."
    );

    /// <summary>The request took too long: its body arrived too slowly, or the server did not finish in time.</summary>
    public static readonly ProblemCode RequestTooSlow = new(
        1040,
        ProblemKind.Environment,
        "the request timed out",
        "Check the network and try again."
    )
    {
        IsTemporary = true,
    };

    /// <summary>A kernel cannot be removed while builds refer to it.</summary>
    public static readonly ProblemCode KernelInUse = new(
        1041,
        ProblemKind.Usage,
        "the kernel is in use",
        "Keep the kernel: its builds refer to it."
    );

    /// <summary>There is no token with this ID.</summary>
    public static readonly ProblemCode TokenUnknown = new(
        1042,
        ProblemKind.Usage,
        "no such token",
        "List the tokens with `elivepatchd tokens list`."
    );

    /// <summary>The sources and boot images that a token has sent exceed <c>partBytesPerToken</c> in total.</summary>
    public static readonly ProblemCode PartsTooLarge = new(
        1043,
        ProblemKind.Refused,
        "the token's uploads take too much space",
        "Ask the server's operator to provide the source or the boot image, or to raise partBytesPerToken."
    );

    /// <summary>A token may report for 10,000 machines.</summary>
    public static readonly ProblemCode TooManyMachines = new(
        1070,
        ProblemKind.Usage,
        "the token reports for too many machines",
        "Use another token for the other machines; machines that stop reporting are forgotten after machineDays."
    );

    /// <summary>No machine has this ID, or it has not reported for longer than <c>machineDays</c>.</summary>
    public static readonly ProblemCode MachineUnknown = new(
        1071,
        ProblemKind.Usage,
        "no such machine",
        "List the machines; one that stops reporting is forgotten after machineDays."
    );

    /// <summary>
    /// A form was submitted without the anti-forgery value that the page puts into it, with that of another session, or from
    /// the page of another site.
    /// </summary>
    public static readonly ProblemCode FormRefused = new(
        1072,
        ProblemKind.Usage,
        "the form was not sent from this page",
        "Reload the page and submit its form again."
    );

    /// <summary>Whether a livepatch that the server had published keeps the rules of today cannot be told.</summary>
    public static readonly ProblemCode LivepatchUnchecked = new(
        1074,
        ProblemKind.Refused,
        "the livepatch cannot be checked by the current rules",
        "Request it again: it is rebuilt, and checked during the build."
    )
    {
        IsTemporary = true,
    };
}
