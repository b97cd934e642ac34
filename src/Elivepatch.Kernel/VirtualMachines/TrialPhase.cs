using Elivepatch.Model;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>One step of a trial.</summary>
/// <param name="Name">
/// <c>before</c>, <c>during</c> and <c>after</c> are the script; <c>load</c>, <c>transition</c>, <c>replace</c> (a former
/// livepatch going), <c>disable</c>, <c>unload</c> and <c>keep</c> (one that must not be unloadable) are ours, and for modules
/// that are patched <c>probe</c> (which of them the guest can load at all), <c>insert</c>, <c>remove</c>, <c>patched</c>
/// (whether the kernel says that they are), and <c>pinned</c> (one that must not go).
/// </param>
/// <param name="Livepatch">Which livepatch it is about; empty for <c>before</c> and <c>after</c>.</param>
/// <param name="Output">What it printed.</param>
/// <param name="ExitStatus">Its status, 0 for success; -1 where it did not come to its end.</param>
/// <param name="Seconds">How long it took by the guest's clock.</param>
public sealed record TrialPhase(string Name, string Livepatch, string Output, int ExitStatus, double Seconds)
{
    /// <summary>The tasks that kept the phase's transition from ending.</summary>
    public IReadOnlyList<BlockingTask> BlockingTasks { get; init; } = [];

    /// <summary>True for the phases in which the case's script runs.</summary>
    public bool IsScript => Name is "before" or "during" or "after";

    /// <inheritdoc/>
    public override string ToString() => Livepatch.Length == 0 ? Name : $"{Name} {Livepatch}";
}
