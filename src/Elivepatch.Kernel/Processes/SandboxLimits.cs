namespace Elivepatch.Kernel.Processes;

/// <summary>
/// What a sandbox may use at most. The first four bind each process by itself (setrlimit(2)); the totals are watched from outside
/// and hold for root as well, whom the kernel does not count.
/// </summary>
/// <param name="AddressSpace">Bytes of address space.</param>
/// <param name="ProcessorTime">Processor time.</param>
/// <param name="FileSize">Bytes of a file that it writes.</param>
/// <param name="Processes">Processes of the user; the kernel does not count root's.</param>
public sealed record SandboxLimits(long AddressSpace, TimeSpan ProcessorTime, long FileSize, int Processes)
{
    /// <summary>Ample for a compiler on the largest unit of a kernel, or a build tool.</summary>
    public static SandboxLimits Default { get; } = new(8L << 30, TimeSpan.FromMinutes(10), 1L << 30, 16_384);

    /// <summary>Threads of all processes together.</summary>
    public int TotalThreads { get; init; } = 4096;

    /// <summary>
    /// Bytes of memory that all processes together hold: resident pages, and files in memory that have no name. Three quarters of
    /// the machine's by default.
    /// </summary>
    public long TotalMemory { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3;

    /// <summary>Bytes in all writable folders together, with what was in them before.</summary>
    public long TotalDisk { get; init; } = 12L << 30;

    /// <summary>Bytes in the sandbox's own <c>/tmp</c>, and as many again in its <c>/dev/shm</c>; they are memory.</summary>
    public long TemporarySpace { get; init; } = 1L << 30;
}
