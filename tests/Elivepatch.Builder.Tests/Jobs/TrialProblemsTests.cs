using Elivepatch.Builder.Jobs;
using Elivepatch.Kernel;
using Elivepatch.Kernel.VirtualMachines;

namespace Elivepatch.Builder.Tests.Jobs;

public sealed class TrialProblemsTests
{
    [Fact]
    public void A_script_without_end_is_told_how_long_it_may_take_here_and_who_can_change_that()
    {
        var report = new TrialReport
        {
            Case = "x",
            Phases = [],
            KernelLog = [],
            TransitionSeconds = 0,
            Problems =
            [
                new(VirtualMachineProblems.TrialScriptTimedOut, "'before' was killed"),
                new(VirtualMachineProblems.GuestTimedOut, "killed"),
                new(VirtualMachineProblems.TrialScriptFailed, "status 1"),
            ],
        };
        var told = TrialProblems.Of(report, new() { ScriptTime = TimeSpan.FromSeconds(7) });
        Assert.Equal(report.Problems.Select(p => (p.Code, p.Reason)), told.Select(p => (p.Code, p.Reason)));
        foreach (var problem in told.Take(2))
        {
            Assert.Contains("less than the 7 s", problem.Remedy, StringComparison.Ordinal);
            Assert.Contains("(scriptSeconds)", problem.Remedy, StringComparison.Ordinal);
        }

        Assert.Equal(VirtualMachineProblems.TrialScriptFailed.Remedy, told[2].Remedy);
    }
}
