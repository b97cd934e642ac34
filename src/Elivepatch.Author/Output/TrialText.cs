using System.Globalization;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Model;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Output;

/// <summary>A trial as people read it: every phase with what it printed, then the verdict.</summary>
internal static class TrialText
{
    /// <summary>Writes the outcome; <paramref name="problems"/> are what was wrong.</summary>
    public static void Write(TextWriter output, TrialOutcome trial, IReadOnlyList<Problem> problems)
    {
        foreach (var phase in trial.Phases)
        {
            output.WriteLine(
                Printable.Escape(string.Create(CultureInfo.InvariantCulture, $"{phase}: {Ending(phase)}, {phase.Seconds:0.0} s"))
            );
            foreach (var line in phase.Output.TrimEnd('\n').Split('\n').Where(l => l.Length > 0))
            {
                output.WriteLine($"    {Printable.Escape(line)}");
            }
        }
        foreach (var untested in trial.Untested)
        {
            output.WriteLine(Printable.Escape($"not tested with {untested}"));
        }

        var gone = trial.Phases.Any(p => p.Name == "keep") ? "disabled and kept in memory" : "disabled and unloaded";
        output.WriteLine(
            trial.Passed
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"passed on {trial.Kernel}: loaded, live after {trial.TransitionSeconds:0.0} s, {gone}; the kernel's log is clean"
                )
                : $"failed on {trial.Kernel}"
        );
        ProblemText.Write(output, problems);
    }

    private static string Ending(TrialPhase phase) =>
        phase.ExitStatus switch
        {
            0 => "ok",
            -1 => "did not end",
            var status => string.Create(CultureInfo.InvariantCulture, $"status {status}"),
        };
}
