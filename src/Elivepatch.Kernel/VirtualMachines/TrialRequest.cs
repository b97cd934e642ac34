using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Processes;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>What to try, and on which kernel.</summary>
public sealed record TrialRequest
{
    /// <summary>The processor.</summary>
    public required KernelArchitecture Architecture { get; init; }

    /// <summary>The boot image: as the machine boots it.</summary>
    public required string Kernel { get; init; }

    /// <summary>Whose emulator runs it.</summary>
    public Userland Userland { get; init; } = Userland.Host;

    /// <summary>The cases, in the order in which they are tried.</summary>
    public required IReadOnlyList<TrialCase> Cases { get; init; }

    /// <summary>
    /// The files of the kernel's modules: those that are patched are loaded before, between and after the livepatches. Without
    /// them such livepatches are tried without what they patch.
    /// </summary>
    public ModuleFiles? Modules { get; init; }

    /// <summary>The guest's memory in MiB.</summary>
    public int Memory { get; init; } = 512;

    /// <summary>The guest's processors.</summary>
    public int Processors { get; init; } = 2;

    /// <summary>More words for the kernel's command line.</summary>
    public IReadOnlyList<string> KernelArguments { get; init; } = [];

    /// <summary>Told line by line what happens in the guest, from another thread.</summary>
    public Action<string>? OnProgress { get; init; }
}
