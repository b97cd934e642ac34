using Elivepatch.Kernel;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;

namespace Elivepatch.Builder.Jobs;

/// <summary>
/// Why a trial failed, for whoever asked a server for it: what takes too long cannot be given more time from there.
/// </summary>
internal static class TrialProblems
{
    /// <summary>The problems of a trial, with what can be done about them here.</summary>
    public static IReadOnlyList<Problem> Of(TrialReport report, BuildPolicy policy) =>
        [.. report.Problems.Select(p => p.Code == VirtualMachineProblems.TrialScriptTimedOut || p.Code == VirtualMachineProblems.GuestTimedOut
            ? p with { CaseRemedy = Remedy(policy) }
            : p)];

    private static string Remedy(BuildPolicy policy) =>
        $"See its output: let the script end, and take less than the {policy.ScriptTime.TotalSeconds:0} s that it has here each "
        + "time that it runs; or ask the server's operator for more (scriptSeconds).";
}
