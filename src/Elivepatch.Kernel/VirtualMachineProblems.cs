using Elivepatch.Model;

namespace Elivepatch.Kernel;

/// <summary>Failures of virtual machines and trials.</summary>
public static class VirtualMachineProblems
{
    /// <summary>ELP0627.</summary>
    public static readonly ProblemCode LivepatchNotKept = new(
        627,
        ProblemKind.Refused,
        "a livepatch that must stay in memory could be unloaded",
        "Do not unload it on a machine; report the module and the kernel."
    );

    /// <summary>QEMU was not found on this machine.</summary>
    public static readonly ProblemCode EmulatorMissing = new(
        801,
        ProblemKind.Environment,
        "the emulator is not installed",
        "Install qemu-system-x86_64 (Debian package qemu-system-x86); a root of another Debian that has it is made by "
            + "`elivepatch toolchain add debian:SUITE --emulator` and named with `elivepatch try --emulator ROOT`."
    );

    /// <summary>The guest needs a statically linked busybox, and none was found on this machine.</summary>
    public static readonly ProblemCode BusyboxMissing = new(
        802,
        ProblemKind.Environment,
        "no statically linked busybox is installed",
        "Install a statically linked busybox (Debian package busybox-static): the guest has no shared libraries."
    );

    /// <summary>A file, path, argument or size given for the guest is not valid.</summary>
    public static readonly ProblemCode GuestJobInvalid = new(
        803,
        ProblemKind.Usage,
        "the virtual machine cannot run this job",
        "Correct the file, path or argument that the reason names."
    );

    /// <summary>The guest's first program was never run.</summary>
    public static readonly ProblemCode GuestDidNotStart = new(
        804,
        ProblemKind.Environment,
        "the kernel did not boot in the virtual machine",
        "Use a bzImage for x86-64 with BLK_DEV_INITRD, DEVTMPFS, PROC_FS, SYSFS, SERIAL_8250_CONSOLE and BINFMT_SCRIPT built "
            + "in."
    );

    /// <summary>The guest ended before its job was done.</summary>
    public static readonly ProblemCode GuestDied = new(
        805,
        ProblemKind.Refused,
        "the guest died",
        "Read the end of its console."
    );

    /// <summary>The guest did not finish within its time limit and was killed.</summary>
    public static readonly ProblemCode GuestTimedOut = new(
        806,
        ProblemKind.Refused,
        "the guest timed out",
        "Read the end of its console; allow more time if the guest was merely slow."
    );

    /// <summary>The guest wrote more than its limit.</summary>
    public static readonly ProblemCode GuestOutputTooLarge = new(
        807,
        ProblemKind.Refused,
        "the guest wrote too much output",
        "Make the script write less."
    );

    /// <summary>The guest's answer is incomplete or does not have the expected form.</summary>
    public static readonly ProblemCode GuestAnswerMalformed = new(
        808,
        ProblemKind.Refused,
        "malformed answer from the guest",
        "Read the guest's console: something in the guest interfered with the channel."
    );

    /// <summary>The script that the guest runs exited with an error.</summary>
    public static readonly ProblemCode GuestScriptFailed = new(
        809,
        ProblemKind.Refused,
        "the script in the guest failed",
        "Read its output."
    );

    /// <summary>A case, module or file given for the trial is missing or not valid.</summary>
    public static readonly ProblemCode TrialInvalid = new(
        820,
        ProblemKind.Usage,
        "the trial is not valid",
        "Correct the case, module or file that the reason names."
    );

    /// <summary>The kernel refused the module.</summary>
    public static readonly ProblemCode LivepatchNotLoaded = new(
        821,
        ProblemKind.Refused,
        "the kernel did not load the livepatch",
        "Read the kernel's log, and build the livepatch for exactly this kernel."
    );

    /// <summary>The transition did not complete within its time limit.</summary>
    public static readonly ProblemCode TransitionStuck = new(
        822,
        ProblemKind.Refused,
        "the transition did not complete",
        "Patch another function, or end the blocking task: it sleeps in a patched function, or where its stack cannot be "
            + "unwound reliably."
    );

    /// <summary>The trial's script exited with a status other than 0.</summary>
    public static readonly ProblemCode TrialScriptFailed = new(
        823,
        ProblemKind.Refused,
        "the trial's script failed",
        "Read its output: the livepatch does not do what the script expects."
    );

    /// <summary>The trial's script did not finish within its time limit.</summary>
    public static readonly ProblemCode TrialScriptTimedOut = new(
        824,
        ProblemKind.Refused,
        "the trial's script timed out",
        "Read its output; allow more time if the script is merely slow."
    );

    /// <summary>The kernel logged an oops, a warning, a stall or the like.</summary>
    public static readonly ProblemCode KernelComplained = new(
        825,
        ProblemKind.Refused,
        "the kernel logged an oops or a warning",
        "Read the trace: the livepatch broke something, or its code raises a warning by design."
    );

    /// <summary>The kernel is tainted in a way that a livepatch does not explain.</summary>
    public static readonly ProblemCode UnexpectedTaint = new(
        826,
        ProblemKind.Refused,
        "unexpected kernel taint",
        "Read the kernel's log for the cause; Documentation/admin-guide/tainted-kernels.rst in the kernel source explains "
            + "the letters."
    );

    /// <summary>Part of the livepatch is still there after it was disabled and unloaded.</summary>
    public static readonly ProblemCode LivepatchRemains = new(
        827,
        ProblemKind.Refused,
        "the livepatch was not removed",
        "Read the kernel's log: something holds a reference to the module."
    );

    /// <summary>A cumulative livepatch did not replace the previous one.</summary>
    public static readonly ProblemCode FormerLivepatchRemains = new(
        828,
        ProblemKind.Refused,
        "the previous livepatch was not replaced",
        "Read the kernel's log: something holds a reference to the previous module."
    );

    /// <summary>A module that a livepatch patches could not be loaded or unloaded beside it, or was not patched.</summary>
    public static readonly ProblemCode TargetNotPatched = new(
        829,
        ProblemKind.Refused,
        "a module is not patched when it is loaded",
        "Read the kernel's log in the reason; report the livepatch and the module's file."
    );
}
