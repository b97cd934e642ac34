using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;
using Elivepatch.Protocol;

namespace Elivepatch.Author.Output;

/// <summary>What a trial saw, as scripts read it.</summary>
/// <param name="Kernel">Name of the kernel.</param>
/// <param name="Passed">True where nothing was wrong and everything was done.</param>
/// <param name="TransitionSeconds">How long the transitions took together, by the guest's clock.</param>
/// <param name="Phases">The steps in their order.</param>
/// <param name="KernelLog">What the kernel logged meanwhile.</param>
/// <param name="BlockingTasks">Tasks that kept a transition from ending.</param>
/// <param name="Untested">Modules that are patched and that the guest could not load, each with the reason.</param>
/// <param name="Problems">Everything that was wrong.</param>
internal sealed record TrialOutcome(
    string Kernel,
    bool Passed,
    double TransitionSeconds,
    IReadOnlyList<TrialPhase> Phases,
    IReadOnlyList<string> KernelLog,
    IReadOnlyList<BlockingTask> BlockingTasks,
    IReadOnlyList<string> Untested,
    IReadOnlyList<ProblemReport> Problems
)
{
    /// <summary>Gathers the outcome from the report of a trial.</summary>
    public static TrialOutcome Of(string kernel, TrialReport report) =>
        new(
            kernel,
            report.Passed,
            report.TransitionSeconds,
            report.Phases,
            report.KernelLog,
            report.BlockingTasks,
            report.Untested,
            ProblemReport.Of(report.Problems)
        );
}
