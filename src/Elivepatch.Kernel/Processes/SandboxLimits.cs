namespace Elivepatch.Kernel.Processes;

/// <summary>What each process of a sandbox may use at most (setrlimit(2)).</summary>
/// <param name="AddressSpace">Bytes of address space.</param>
/// <param name="ProcessorTime">Processor time.</param>
/// <param name="FileSize">Bytes of a file that it writes.</param>
/// <param name="Processes">Processes of the user; the kernel does not count root's.</param>
public sealed record SandboxLimits(long AddressSpace, TimeSpan ProcessorTime, long FileSize, int Processes)
{
    /// <summary>Ample for a compiler on the largest unit of a kernel, or a build tool.</summary>
    public static SandboxLimits Default { get; } = new(8L << 30, TimeSpan.FromMinutes(10), 1L << 30, 16_384);
}
