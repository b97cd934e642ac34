using Elivepatch.Model;

namespace Elivepatch.Machine;

/// <summary>What keeps a machine from having a livepatch live.</summary>
public static class MachineProblems
{
    /// <summary>The machine does not tell what a capture needs.</summary>
    public static readonly ProblemCode CaptureImpossible = new(
        707, ProblemKind.Environment, "the kernel of this machine cannot be captured", "Run `elivepatch capture` as root.");

    /// <summary>This needs root.</summary>
    public static readonly ProblemCode RootNeeded = new(
        1201, ProblemKind.Usage, "only root can do this", "Run the command as root.");

    /// <summary>The kernel has no live patching.</summary>
    public static readonly ProblemCode LivePatchingMissing = new(
        1202, ProblemKind.Environment, "the running kernel cannot be live patched", "Use a kernel with CONFIG_LIVEPATCH=y, with /sys mounted.");

    /// <summary>The kernel does not load the module.</summary>
    public static readonly ProblemCode ModuleRefused = new(
        1203, ProblemKind.Refused, "the kernel refuses the module", "The reason has what the kernel said when it refused it.");

    /// <summary>A transition does not end.</summary>
    public static readonly ProblemCode LiveTransitionStuck = new(
        1204, ProblemKind.Environment, "the transition does not end",
        "Let the blocking tasks return to user space or end them; `elivepatch disable` reverses the transition.")
    {
        IsTemporary = true,
    };

    /// <summary>There is no such livepatch on this machine.</summary>
    public static readonly ProblemCode LivepatchUnknown = new(
        1205, ProblemKind.Usage, "no such livepatch is loaded", "`elivepatch status` lists what is live.");

    /// <summary>A livepatch cannot be unloaded.</summary>
    public static readonly ProblemCode LivepatchInUse = new(
        1206, ProblemKind.Refused, "the livepatch cannot be unloaded", "Disable it first, and wait until its transition has ended.");

    /// <summary>The list of live patches cannot be read or written.</summary>
    public static readonly ProblemCode MachineStateUnusable = new(
        1207, ProblemKind.Environment, "the machine's list of livepatches cannot be used",
        "See that the disk is not full; `elivepatch status` shows what is live regardless.");

    /// <summary>Loading at boot is off after failures.</summary>
    public static readonly ProblemCode BootLoadingSuspended = new(
        1208, ProblemKind.Refused, "livepatches are not loaded at boot any more", "The machine went down soon after they were loaded. `elivepatch persist` turns it on again.");

    /// <summary>Another command changes the machine's livepatches.</summary>
    public static readonly ProblemCode MachineBusy = new(
        1209, ProblemKind.Environment, "another elivepatch is at work on this machine", "Wait until it has ended.")
    {
        IsTemporary = true,
    };

    /// <summary>What is live is not what the list says.</summary>
    public static readonly ProblemCode ForeignLivepatch = new(
        1210, ProblemKind.Refused, "a livepatch of another origin is live", "A replacing livepatch would take it away: disable it first, or allow it with --replace-foreign.");

    /// <summary>The kernel does not take what is written to a livepatch's files.</summary>
    public static readonly ProblemCode LivepatchUnchangeable = new(
        1211, ProblemKind.Refused, "the kernel does not change its livepatches now", "Wait until no livepatch is in transition; `elivepatch status` shows them.")
    {
        IsTemporary = true,
    };

    /// <summary>A transition was turned around while it was watched.</summary>
    public static readonly ProblemCode TransitionReversed = new(
        1212, ProblemKind.Refused, "the transition was turned around", "See with `elivepatch status` what is live, and ask who else changes livepatches.");

    /// <summary>A module of the same name is loaded.</summary>
    public static readonly ProblemCode ModuleNameTaken = new(
        1213, ProblemKind.Usage, "a module of this name is loaded", "Choose another with --name, or unload that one.");

    /// <summary>Nothing can be loaded at boot.</summary>
    public static readonly ProblemCode BootLoadingImpossible = new(
        1214, ProblemKind.Usage, "livepatches cannot be loaded at boot", "Make a livepatch live first, on a machine that systemd starts.");

    /// <summary>Several packages have patches for the kernel.</summary>
    public static readonly ProblemCode KernelPackageAmbiguous = new(
        1215, ProblemKind.Usage, "it is not known which package built the kernel", "Name it with --kernel-package, its patches with --base-patch, or none with --no-base-patches.");

    /// <summary>A token would travel unencrypted.</summary>
    public static readonly ProblemCode ConnectionReadable = new(
        1216, ProblemKind.Usage, "the token could be read on the way", "Use https, or allow it with --allow-http.");

    /// <summary>The machine has no OpenSSL.</summary>
    public static readonly ProblemCode CryptographyMissing = new(
        1217, ProblemKind.Environment, "the machine has no OpenSSL", "Install its library, version 3 or 1.1 (libssl): signatures and https need it.");

    /// <summary>The server that built a livepatch has withdrawn it.</summary>
    public static readonly ProblemCode LivepatchKnownWithdrawn = new(
        1218, ProblemKind.Refused, "the server has withdrawn this livepatch",
        "`elivepatch patch` has it built anew and puts that in its place; `elivepatch disable` takes it away.");

    /// <summary>There is no room for a livepatch on the machine's disk.</summary>
    public static readonly ProblemCode MachineDiskFull = new(
        1219, ProblemKind.Environment, "the machine's disk is full", "Free room below the state folder, then the same command.")
    {
        IsTemporary = true,
    };

    /// <summary>A setting of the kernel stops every livepatch.</summary>
    public static readonly ProblemCode KernelForbidsLivepatches = new(
        1220, ProblemKind.Environment, "the kernel's settings do not allow a livepatch", "Change the setting that the reason names.");

    /// <summary>Something else holds what the livepatch needs in the kernel.</summary>
    public static readonly ProblemCode KernelBusy = new(
        1221, ProblemKind.Environment, "the kernel cannot take the livepatch now",
        "End what the reason names, then the same command.")
    {
        IsTemporary = true,
    };

    /// <summary>The server's certificate is not accepted.</summary>
    public static readonly ProblemCode CertificateRefused = new(
        1222, ProblemKind.Environment, "the server's certificate is not accepted",
        "Set the clock, use a name that the certificate has, or give its issuer's certificate with SSL_CERT_FILE.");

    /// <summary>A proxy does not let the command through.</summary>
    public static readonly ProblemCode ProxyRefuses = new(
        1223, ProblemKind.Environment, "the proxy refuses the connection",
        "Give it user and password, have it allow the server, or go around it with NO_PROXY.");

    /// <summary>The port speaks the other of http and https.</summary>
    public static readonly ProblemCode SchemeWrong = new(
        1224, ProblemKind.Usage, "the server's address has the wrong scheme", "Use https:// for http://, or the other way round.");
}
