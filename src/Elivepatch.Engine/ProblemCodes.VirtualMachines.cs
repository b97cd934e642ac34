namespace Elivepatch.Engine;

// 08xx: booting a kernel in a virtual machine, and trying livepatches in it.
public static partial class ProblemCodes
{
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
}
