using Elivepatch.Model;
using Xunit;

namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>Each case that can be built is loaded into the stock kernel, where its script looks at what changes.</summary>
[Collection(nameof(CaseCollection))]
public sealed class CaseTrialTests(CaseTrials trials) : IClassFixture<CaseTrials>
{
    public static TheoryData<string> Cases => [.. LivepatchCase.All.Where(c => c.Expect.Status == 0).Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_case_does_in_the_guest_what_it_says(string name)
    {
        var tried = LivepatchCase.Named(name);
        var report = trials.ReportOf(name);

        Assert.True(report is not null, "it was not built");
        var problems = report.Problems.Where(p => !IsExpected(p, tried)).ToList();
        Assert.True(problems.Count == 0, TrialText.Of(report, problems));
        Assert.All(tried.ExpectedWarnings, w => Assert.Contains(report.KernelLog, l => l.Contains(w, StringComparison.Ordinal)));
        Assert.Contains(report.Phases, p => p.Name == "after" && p.ExitStatus == 0);
    }

    // A warning that is meant is a complaint and taints the kernel with W; nothing else may.
    internal static bool IsExpected(Problem problem, LivepatchCase tried) =>
        tried.ExpectedWarnings.Count > 0
        && (
            problem.Code == VirtualMachineProblems.UnexpectedTaint
                ? problem.Reason.EndsWith(" W", StringComparison.Ordinal)
                : problem.Code == VirtualMachineProblems.KernelComplained
                    && tried.ExpectedWarnings.Any(w => problem.Reason.Contains(w, StringComparison.Ordinal))
        );
}
