using Elivepatch.Model;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>What was seen when one case was tried.</summary>
public sealed record TrialReport
{
    /// <summary>The case's name.</summary>
    public required string Case { get; init; }

    /// <summary>The steps in their order.</summary>
    public required IReadOnlyList<TrialPhase> Phases { get; init; }

    /// <summary>What the kernel logged meanwhile, a line each.</summary>
    public required IReadOnlyList<string> KernelLog { get; init; }

    /// <summary>Everything that the guest printed on its console from power-on, other cases of the same boot included.</summary>
    public string Console { get; init; } = "";

    /// <summary>Everything that was wrong; empty where the case passed.</summary>
    public required IReadOnlyList<Problem> Problems { get; init; }

    /// <summary>Modules that are patched and that the guest could not load, each with the reason.</summary>
    public IReadOnlyList<string> Untested { get; init; } = [];

    /// <summary>The tasks that kept a transition from ending.</summary>
    public IReadOnlyList<BlockingTask> BlockingTasks => [.. Phases.SelectMany(p => p.BlockingTasks)];

    /// <summary>Nothing was wrong, and everything was done.</summary>
    public bool Passed => Problems.Count == 0;

    /// <summary>
    /// How long the transitions to the livepatches took together, in seconds of the guest's clock, by its kernel's log.
    /// </summary>
    public required double TransitionSeconds { get; init; }
}
