using Elivepatch.Model;

namespace Elivepatch.Machine;

/// <summary>Problems on the machine that is live patched.</summary>
public static class MachineProblems
{
    /// <summary>The machine does not provide what a capture needs.</summary>
    public static readonly ProblemCode CaptureImpossible = new(
        707,
        ProblemKind.Environment,
        "the kernel of this machine cannot be captured",
        "Run `elivepatch capture` as root."
    );

    /// <summary>The command needs root privileges.</summary>
    public static readonly ProblemCode RootNeeded = new(
        1201,
        ProblemKind.Usage,
        "root privileges are needed",
        "Run the command as root."
    );

    /// <summary>The running kernel provides no livepatch interface (<c>/sys/kernel/livepatch</c>).</summary>
    public static readonly ProblemCode LivePatchingMissing = new(
        1202,
        ProblemKind.Environment,
        "the running kernel does not support live patching",
        "Use a kernel with CONFIG_LIVEPATCH=y, and have /sys mounted."
    );

    /// <summary>The kernel does not load the module.</summary>
    public static readonly ProblemCode ModuleRefused = new(
        1203,
        ProblemKind.Refused,
        "the kernel refuses the module",
        "Read the kernel's messages in the reason."
    );

    /// <summary>The transition did not complete within the time that the command waits.</summary>
    public static readonly ProblemCode LiveTransitionStuck = new(
        1204,
        ProblemKind.Environment,
        "the transition does not complete",
        "Let the blocking tasks return to user space, or end them; `elivepatch disable` reverses the transition."
    )
    {
        IsTemporary = true,
    };

    /// <summary>No livepatch of this name is loaded on this machine.</summary>
    public static readonly ProblemCode LivepatchUnknown = new(
        1205,
        ProblemKind.Usage,
        "no such livepatch is loaded",
        "List the live ones with `elivepatch status`."
    );

    /// <summary>The livepatch is live or in transition, or something holds a reference to its module.</summary>
    public static readonly ProblemCode LivepatchInUse = new(
        1206,
        ProblemKind.Refused,
        "the livepatch cannot be unloaded",
        "Disable it first, and wait until its transition has completed."
    );

    /// <summary>The list of live patches cannot be read or written.</summary>
    public static readonly ProblemCode MachineStateUnusable = new(
        1207,
        ProblemKind.Environment,
        "the machine's list of livepatches cannot be used",
        "Check that the disk is not full; `elivepatch status` shows what is live regardless."
    );

    /// <summary>The machine crashed soon after livepatches were loaded at boot, more than once.</summary>
    public static readonly ProblemCode BootLoadingSuspended = new(
        1208,
        ProblemKind.Refused,
        "loading livepatches at boot is suspended",
        "Find out why the machine crashed; `elivepatch persist` turns loading at boot on again."
    );

    /// <summary>Another command is changing the machine's livepatches.</summary>
    public static readonly ProblemCode MachineBusy = new(
        1209,
        ProblemKind.Environment,
        "another elivepatch command is running on this machine",
        "Wait until it has ended."
    )
    {
        IsTemporary = true,
    };

    /// <summary>A livepatch is live that this command did not load.</summary>
    public static readonly ProblemCode ForeignLivepatch = new(
        1210,
        ProblemKind.Refused,
        "a livepatch of another origin is live",
        "Disable that livepatch first, or allow its replacement with --replace-foreign: a replacing livepatch would remove it."
    );

    /// <summary>The kernel does not take what is written to a livepatch's files.</summary>
    public static readonly ProblemCode LivepatchUnchangeable = new(
        1211,
        ProblemKind.Refused,
        "the kernel does not change its livepatches at the moment",
        "Wait until no livepatch is in transition; `elivepatch status` shows them."
    )
    {
        IsTemporary = true,
    };

    /// <summary>While the command watched a transition, the livepatch was disabled or enabled by someone else.</summary>
    public static readonly ProblemCode TransitionReversed = new(
        1212,
        ProblemKind.Refused,
        "the transition was reversed",
        "See with `elivepatch status` what is live, and find out who else changes livepatches."
    );

    /// <summary>A new livepatch cannot have the name of one that is live, or of another module.</summary>
    public static readonly ProblemCode ModuleNameTaken = new(
        1213,
        ProblemKind.Usage,
        "a module of this name is loaded",
        "Choose another name with --name, or unload that module."
    );

    /// <summary>
    /// No livepatch loaded by this command is live, there is no directory for systemd units or OpenRC's services, or the command
    /// is installed where a service cannot run it.
    /// </summary>
    public static readonly ProblemCode BootLoadingImpossible = new(
        1214,
        ProblemKind.Usage,
        "livepatches cannot be loaded at boot",
        "Make a livepatch live first, on a machine that systemd or OpenRC starts."
    );

    /// <summary>Several packages have patches for the kernel.</summary>
    public static readonly ProblemCode KernelPackageAmbiguous = new(
        1215,
        ProblemKind.Usage,
        "the package that built the kernel is ambiguous",
        "Name the package with --kernel-package or its patches with --base-patch, or say with --no-base-patches that there "
            + "are none."
    );

    /// <summary>
    /// The server's address is neither https nor this machine: anyone who sees the traffic would have the token.
    /// </summary>
    public static readonly ProblemCode ConnectionReadable = new(
        1216,
        ProblemKind.Usage,
        "the token would be sent unencrypted",
        "Use https, or allow plain http with --allow-http."
    );

    /// <summary>The published command does not contain OpenSSL, which the machine itself keeps up to date.</summary>
    public static readonly ProblemCode CryptographyMissing = new(
        1217,
        ProblemKind.Environment,
        "OpenSSL is not installed",
        "Install the OpenSSL library, version 3 or 1.1 (libssl): signatures and https need it."
    );

    /// <summary>
    /// The server that built the livepatch says, signed with the key that the machine trusts, that it breaks a rule.
    /// </summary>
    public static readonly ProblemCode LivepatchKnownWithdrawn = new(
        1218,
        ProblemKind.Refused,
        "the server has withdrawn this livepatch",
        "Run `elivepatch patch` to have it rebuilt and replaced, or `elivepatch disable` to remove it."
    );

    /// <summary>
    /// The file system of the state directory has no room for a livepatch, its manifest and its patches, or a quota is used up.
    /// </summary>
    public static readonly ProblemCode MachineDiskFull = new(
        1219,
        ProblemKind.Environment,
        "the machine's disk is full",
        "Free space below the state directory, then run the same command again."
    )
    {
        IsTemporary = true,
    };

    /// <summary>
    /// <c>kernel.modules_disabled</c> is 1, so no module is loaded until the machine restarts, or <c>kernel.ftrace_enabled</c>
    /// is 0, so no function can be diverted.
    /// </summary>
    public static readonly ProblemCode KernelForbidsLivepatches = new(
        1220,
        ProblemKind.Environment,
        "the kernel's settings do not allow a livepatch",
        "Change the setting that the reason names."
    );

    /// <summary>
    /// A function that the livepatch patches is already diverted by something else: a kprobe with a post handler, or a BPF
    /// program attached in its place.
    /// </summary>
    public static readonly ProblemCode KernelBusy = new(
        1221,
        ProblemKind.Environment,
        "the kernel cannot accept the livepatch at the moment",
        "End what the reason names, then run the same command again."
    )
    {
        IsTemporary = true,
    };

    /// <summary>The server's certificate is not accepted.</summary>
    public static readonly ProblemCode CertificateRefused = new(
        1222,
        ProblemKind.Environment,
        "the server's certificate is not accepted",
        "Set the clock, use a name that the certificate has, or give its issuer's certificate with SSL_CERT_FILE."
    );

    /// <summary>
    /// The proxy that <c>https_proxy</c> or <c>http_proxy</c> names asks for a password (407), or does not let this machine
    /// connect to the server (403).
    /// </summary>
    public static readonly ProblemCode ProxyRefuses = new(
        1223,
        ProblemKind.Environment,
        "the proxy refuses the connection",
        "Give the proxy a user and password, have it allow the server, or bypass it with NO_PROXY."
    );

    /// <summary>The port of an https:// address speaks plain http, or that of an http:// address https.</summary>
    public static readonly ProblemCode SchemeWrong = new(
        1224,
        ProblemKind.Usage,
        "the server's address has the wrong scheme",
        "Use https:// instead of http://, or the reverse."
    );

    /// <summary>A module is loaded that is not the one that a livepatch was built for, whatever its name.</summary>
    public static readonly ProblemCode OtherModuleLoaded = new(
        1225,
        ProblemKind.Mismatch,
        "a loaded module is not the one that the livepatch was built for",
        "Load the module that the livepatch was built for, or build one for the module that is loaded: for one that was built "
            + "outside of the kernel's tree from its own source (`elivepatch build --module-source`)."
    );
}
