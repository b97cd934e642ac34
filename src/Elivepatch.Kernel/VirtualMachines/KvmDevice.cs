using Elivepatch.Kernel.Architectures;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>
/// The processor's own virtualization, as Linux offers it (Documentation/virt/kvm/api.rst of the kernel source).
/// </summary>
internal static class KvmDevice
{
    /// <summary>The device node.</summary>
    public const string Path = "/dev/kvm";

    private const string Processors = "/proc/cpuinfo";

    // What QEMU's accel/kvm/kvm-all.c and target/i386/kvm/kvm.c say on standard error when the virtual processor cannot go on.
    private static readonly string[] Failures = ["KVM internal error.", "KVM: entry failed", "error: kvm run failed"];

    /// <summary>
    /// This process may use it, and the processor has what it builds on: the device alone can also stand for a KVM that runs only
    /// kernels made for it (pagetable-based virtual machines, in clouds without nested virtualization).
    /// </summary>
    public static bool IsUsable() => HasExtensions() && CanBeOpened();

    // Before its first instruction: a register of the model that KVM has and does not let be set. QEMU ends itself then.
    private static readonly string[] Emulators = [.. KernelArchitectures.All.Select(a => a.Emulator.Program + ": ")];
    private static readonly string[] FailuresToStart = ["error: failed to set MSR", "../../target/i386/kvm/kvm.c:"];

    /// <summary>A line of the emulator's standard error says that KVM cannot run this guest.</summary>
    public static bool ReportsFailure(string line) =>
        Failures.Any(f => line.StartsWith(f, StringComparison.Ordinal))
        || FailuresToStart.Any(f => Emulators.Any(e => line.StartsWith(e + f, StringComparison.Ordinal)));

    private static bool HasExtensions()
    {
        if (!File.Exists(Processors))
        {
            return false;
        }

        var flags = File.ReadLines(Processors).FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal)) ?? "";
        return flags.Split(' ').Intersect(["vmx", "svm"]).Any();
    }

    private static bool CanBeOpened()
    {
        try
        {
            using var device = File.OpenHandle(Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
