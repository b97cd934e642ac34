using Elivepatch.Kernel;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;

namespace Elivepatch.Builder.Jobs;

/// <summary>
/// Problems of a trial as a client of a server sees them: the client cannot extend the time limits.
/// </summary>
internal static class TrialProblems
{
    /// <summary>The problems of a trial, with the remedies that apply on a server.</summary>
    public static IReadOnlyList<Problem> Of(TrialReport report, BuildPolicy policy) =>
        [
            .. report.Problems.Select(p =>
                p.Code == VirtualMachineProblems.TrialScriptTimedOut || p.Code == VirtualMachineProblems.GuestTimedOut
                    ? p with
                    {
                        CaseRemedy = Remedy(policy),
                    }
                    : p
            ),
        ];

    private static string Remedy(BuildPolicy policy) =>
        $"Read its output, and let the script end in less than the {policy.ScriptTime.TotalSeconds:0} s that each run of it "
        + "may take here; or ask the server's operator for more (scriptSeconds).";
}
