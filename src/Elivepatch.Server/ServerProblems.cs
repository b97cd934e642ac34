using Elivepatch.Model;

namespace Elivepatch.Server;

/// <summary>Requests that the service refuses, and what keeps it from serving.</summary>
public static class ServerProblems
{
    /// <summary>A request is none.</summary>
    public static readonly ProblemCode RequestMalformed = new(
        1006, ProblemKind.Usage, "the request makes no sense", "See the description of the interface, docs/api/v1.json.");

    /// <summary>There is no such build.</summary>
    public static readonly ProblemCode BuildUnknown = new(
        1009, ProblemKind.Usage, "no such build", "List the builds, or submit it.");

    /// <summary>The build has no such result.</summary>
    public static readonly ProblemCode ResultMissing = new(
        1010, ProblemKind.Usage, "the build has no such result", "Wait until it has succeeded; a build without a test has no console.");

    /// <summary>A base patch changes the build.</summary>
    public static readonly ProblemCode BuildPatchForbidden = new(
        1012, ProblemKind.Refused, "a base patch changes how the kernel is built", "Ask the server's operator to allow it, or have the operator add the kernel.");

    /// <summary>The keys that manifests are signed with cannot be used.</summary>
    public static readonly ProblemCode KeyRingUnusable = new(
        1030, ProblemKind.Environment, "the server's keys cannot be used",
        "Restore the folder of keys as it was; only its owner may have access to it.");

    /// <summary>The key that modules are signed with cannot be used.</summary>
    public static readonly ProblemCode ModuleKeyUnusable = new(
        1031, ProblemKind.Environment, "the key for modules cannot be used",
        "Configure a secret key and its certificate, both PEM, as the kernel's own build makes them.");

    /// <summary>A request took longer than it may.</summary>
    public static readonly ProblemCode RequestTooSlow = new(
        1040, ProblemKind.Environment, "the request took too long", "Check the network and ask again.")
    {
        IsTemporary = true,
    };

    /// <summary>A kernel cannot be removed.</summary>
    public static readonly ProblemCode KernelInUse = new(
        1041, ProblemKind.Usage, "the kernel is in use", "Leave it: its builds refer to it.");

    /// <summary>There is no such token.</summary>
    public static readonly ProblemCode TokenUnknown = new(
        1042, ProblemKind.Usage, "no such token", "List the tokens with `elivepatchd tokens list`.");

    /// <summary>The parts of kernels that a token sent take too much room.</summary>
    public static readonly ProblemCode PartsTooLarge = new(
        1043, ProblemKind.Refused, "the token has sent too many parts of kernels",
        "Ask the server's operator to provide the source or the boot image, or for more room.");

    /// <summary>A token reports for more machines than it may.</summary>
    public static readonly ProblemCode TooManyMachines = new(
        1070, ProblemKind.Usage, "the token speaks for too many machines", "Give the other machines another token; silent machines are forgotten after a while.");

    /// <summary>There is no such machine.</summary>
    public static readonly ProblemCode MachineUnknown = new(
        1071, ProblemKind.Usage, "no such machine", "List the machines; one that does not report any more is forgotten after a while.");

    /// <summary>A form was not sent from this server's page.</summary>
    public static readonly ProblemCode FormRefused = new(
        1072, ProblemKind.Usage, "the form was not sent from this page", "Load the page again and send its form again.");

    /// <summary>Whether a livepatch that the server had published keeps the rules of today cannot be told.</summary>
    public static readonly ProblemCode LivepatchUnchecked = new(
        1074, ProblemKind.Refused, "the livepatch cannot be checked by the rules of today",
        "Ask for it again: it is built anew, and checked as it is built.")
    {
        IsTemporary = true,
    };
}
