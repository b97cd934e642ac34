using System.Runtime.InteropServices;

namespace Elivepatch.Machine;

/// <summary>
/// Numbers of the system calls that the C library has no functions for. They differ between processors, and a number of another
/// one is another call: <c>arch/x86/entry/syscalls/syscall_64.tbl</c>, <c>include/uapi/asm-generic/unistd.h</c> (arm64),
/// <c>arch/s390/kernel/syscalls/syscall.tbl</c>, <c>arch/powerpc/kernel/syscalls/syscall.tbl</c>.
/// </summary>
/// <param name="DeleteModule">delete_module(2).</param>
/// <param name="FinitModule">finit_module(2).</param>
public sealed record SystemCallNumbers(nint DeleteModule, nint FinitModule)
{
    /// <summary>Those of this machine; null for a processor whose numbers are not known.</summary>
    public static SystemCallNumbers? OfMachine { get; } = Of(RuntimeInformation.OSArchitecture);

    /// <summary>Those of a processor; null where they are not known.</summary>
    public static SystemCallNumbers? Of(Architecture processor) =>
        processor switch
        {
            Architecture.X64 => new(176, 313),
            Architecture.Arm64 => new(106, 273),
            Architecture.S390x => new(129, 344),
            Architecture.Ppc64le => new(129, 353),
            _ => null,
        };
}
