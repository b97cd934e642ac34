using Elivepatch.Model;

namespace Elivepatch.Kernel;

/// <summary>What goes wrong in a virtual machine.</summary>
public static class VirtualMachineProblems
{
    /// <summary>ELP0627.</summary>
    public static readonly ProblemCode LivepatchNotKept = new(627, ProblemKind.Refused,
        "a livepatch that must stay in memory could be unloaded",
        "do not unload it on a machine; report the module and the kernel");

    /// <summary>The emulator is not installed.</summary>
    public static readonly ProblemCode EmulatorMissing = new(801, ProblemKind.Environment, "the emulator is not installed",
        "install qemu-system-x86_64 (Debian package qemu-system-x86)");

    /// <summary>There is no static busybox for the guest.</summary>
    public static readonly ProblemCode BusyboxMissing = new(802, ProblemKind.Environment, "there is no static busybox",
        "install a statically linked busybox (Debian package busybox-static); the guest has no shared libraries");

    /// <summary>A guest was asked for something that cannot be given to it.</summary>
    public static readonly ProblemCode GuestJobInvalid = new(803, ProblemKind.Usage, "the virtual machine cannot be given this job",
        "correct the named file, path or argument");

    /// <summary>The kernel never ran the guest's first program.</summary>
    public static readonly ProblemCode GuestDidNotStart = new(804, ProblemKind.Environment, "the kernel did not boot in the virtual machine",
        "it needs a bzImage for x86-64 with BLK_DEV_INITRD, DEVTMPFS, PROC_FS, SYSFS, SERIAL_8250_CONSOLE and BINFMT_SCRIPT built in");

    /// <summary>The guest ended before its job was done.</summary>
    public static readonly ProblemCode GuestDied = new(805, ProblemKind.Refused, "the guest died",
        "read the end of its console");

    /// <summary>The guest was not done in its time and was killed.</summary>
    public static readonly ProblemCode GuestTimedOut = new(806, ProblemKind.Refused, "the guest was not done in its time",
        "read the end of its console; give more time if it was merely slow");

    /// <summary>The guest wrote more than it may.</summary>
    public static readonly ProblemCode GuestOutputTooLarge = new(807, ProblemKind.Refused, "the guest wrote more than it may",
        "let the script write less");

    /// <summary>What the guest sent is not in the form that was agreed.</summary>
    public static readonly ProblemCode GuestAnswerMalformed = new(808, ProblemKind.Refused, "the guest's answer cannot be read",
        "something in the guest interfered with its channel; read its console");

    /// <summary>The guest's own script failed.</summary>
    public static readonly ProblemCode GuestScriptFailed = new(809, ProblemKind.Refused, "the script in the guest failed",
        "read its output");

    /// <summary>A trial was asked for that makes no sense.</summary>
    public static readonly ProblemCode TrialInvalid = new(820, ProblemKind.Usage, "this cannot be tried",
        "correct the named case, module or file");

    /// <summary>The kernel did not take the module.</summary>
    public static readonly ProblemCode LivepatchNotLoaded = new(821, ProblemKind.Refused, "the kernel did not load the livepatch",
        "its log says why; build the livepatch for this very kernel");

    /// <summary>A transition did not end in its time.</summary>
    public static readonly ProblemCode TransitionStuck = new(822, ProblemKind.Refused, "the transition did not end",
        "a task sleeps in a function that is patched, or in a place whose stack cannot be read reliably: patch another function, or end the task");

    /// <summary>The case's script failed.</summary>
    public static readonly ProblemCode TrialScriptFailed = new(823, ProblemKind.Refused, "the trial's script failed",
        "read its output: the livepatch does not do what the script expects");

    /// <summary>The case's script was not done in its time.</summary>
    public static readonly ProblemCode TrialScriptTimedOut = new(824, ProblemKind.Refused, "the trial's script was not done in its time",
        "read its output; give it more time if it is merely slow");

    /// <summary>The kernel logged an oops, a warning, a stall or the like.</summary>
    public static readonly ProblemCode KernelComplained = new(825, ProblemKind.Refused, "the kernel complained",
        "read the trace: the livepatch broke something, or its code asks for a warning");

    /// <summary>The kernel is tainted in a way that a livepatch does not explain.</summary>
    public static readonly ProblemCode UnexpectedTaint = new(826, ProblemKind.Refused, "the kernel is tainted unexpectedly",
        "Documentation/admin-guide/tainted-kernels.rst of the kernel source explains the letters; its log says what happened");

    /// <summary>After disabling and unloading something of the livepatch is still there.</summary>
    public static readonly ProblemCode LivepatchRemains = new(827, ProblemKind.Refused, "the livepatch does not go away",
        "something holds the module; read the kernel's log");

    /// <summary>A livepatch that replaces did not replace the former one.</summary>
    public static readonly ProblemCode FormerLivepatchRemains = new(828, ProblemKind.Refused, "the former livepatch was not replaced",
        "something holds the former module; read the kernel's log");
}
