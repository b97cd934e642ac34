using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>What somebody needs to see of a trial that failed.</summary>
public static class TrialText
{
    private const int LogLines = 60;

    public static string Of(TrialReport report, IEnumerable<Problem> problems) =>
        string.Join(
            '\n',
            [
                .. problems.Select(p => p.ToString()),
                .. report.Phases.Select(p => $"== {p}: status {p.ExitStatus} after {p.Seconds} s\n{p.Output.TrimEnd()}"),
                "== kernel log",
                .. report.KernelLog.TakeLast(LogLines),
            ]
        );
}
