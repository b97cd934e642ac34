using System.Globalization;
using System.Text;
using Elivepatch.Kernel.VirtualMachines;

namespace Elivepatch.Builder.Jobs;

/// <summary>What a test showed, as text: the steps with what they printed, then the guest's console.</summary>
internal static class TrialConsole
{
    /// <summary>Writes the text.</summary>
    public static string Write(TrialReport report)
    {
        var text = new StringBuilder();
        foreach (var phase in report.Phases)
        {
            var status = phase.ExitStatus == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", status {phase.ExitStatus}");
            text.Append(CultureInfo.InvariantCulture, $"== {phase} ({phase.Seconds:0.00} s{status})\n").Append(phase.Output);
        }

        foreach (var problem in report.Problems)
        {
            text.Append(CultureInfo.InvariantCulture, $"== {problem}\n");
        }

        return text.Append("== console\n").Append(report.Console).ToString();
    }
}
