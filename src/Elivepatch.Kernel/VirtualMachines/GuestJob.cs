using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Processes;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>
/// Something to be done in a virtual machine: a kernel, files and a shell script. The script runs as root in the folder of its
/// files (which is in <c>PATH</c>, with busybox's commands); what it leaves in <c>/out</c> comes back.
/// </summary>
public sealed record GuestJob
{
    /// <summary>The processor.</summary>
    public required KernelArchitecture Architecture { get; init; }

    /// <summary>The boot image.</summary>
    public required string Kernel { get; init; }

    /// <summary>Whose emulator runs it.</summary>
    public Userland Userland { get; init; } = Userland.Host;

    /// <summary>What to do, for busybox's <c>sh</c>.</summary>
    public required string Script { get; init; }

    /// <summary>Files for the job's folder, modules and statically linked programs among them.</summary>
    public IReadOnlyList<GuestFile> Files { get; init; } = [];

    /// <summary>Wall-clock time from power-on after which the guest is killed.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Time without any sign of life after which the guest is killed.</summary>
    public TimeSpan SilenceLimit { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Memory in MiB.</summary>
    public int Memory { get; init; } = 512;

    /// <summary>Processors.</summary>
    public int Processors { get; init; } = 2;

    /// <summary>A network that leads to this machine; null for none.</summary>
    public GuestNetwork? Network { get; init; }

    /// <summary>More words for the kernel's command line.</summary>
    public IReadOnlyList<string> KernelArguments { get; init; } = [];

    /// <summary>True where the kernel may choose its own place in memory (KASLR), as on most machines.</summary>
    public bool RandomizesAddresses { get; init; }

    /// <summary>Bytes that the guest may write to its console, and also over its channel, files included.</summary>
    public int OutputLimit { get; init; } = 64 << 20;

    /// <summary>Told of every event and line of output as it comes, from another thread.</summary>
    public Action<GuestEvent>? OnEvent { get; init; }
}
