// In: modules that were built. Out: whether each goes live and away again in a guest of its kernel, without a word in its log.

using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.VirtualMachines;

namespace Elivepatch.FixesBench;

/// <summary>What a guest said of a module.</summary>
/// <param name="Path">The C file that it is a fix of.</param>
/// <param name="Findings">All that was wrong; empty where it was live and clean.</param>
/// <param name="TransitionSeconds">How long its transitions took, by the guest's clock.</param>
internal sealed record FixTrial(string Path, IReadOnlyList<FixReason> Findings, double TransitionSeconds);

/// <summary>Tries modules in guests, several in one boot.</summary>
internal static class FixTrials
{
    private const string Kept = "trials";
    private const int ModulesPerBoot = 12;

    /// <summary>Tries all that were built; those that were tried before are not tried again.</summary>
    public static async Task<IReadOnlyList<FixTrial>> RunAsync(
        IReadOnlyList<FixBuild> builds,
        OlderKernel kernel,
        StateFolder state,
        CacheRoot cache,
        CancellationToken cancellation
    )
    {
        var image = kernel.Record.BootImagePath ?? throw new BenchFailure($"{kernel.Record.Facts.Name} has no boot image");
        var trials = new Dictionary<string, FixTrial>(StringComparer.Ordinal);
        var modules = builds.Where(b => b.Outcome == FixOutcome.Built).Select(b => b.Path).ToList();
        foreach (var path in modules)
        {
            if (state.Find(Kept, StateFolder.NameOf(path), FixesJson.Default.FixTrial) is { } known)
            {
                trials[path] = known;
            }
        }

        foreach (var batch in modules.Where(m => !trials.ContainsKey(m)).Chunk(ModulesPerBoot))
        {
            var request = new TrialRequest
            {
                Architecture = kernel.Record.Facts.Architecture,
                Kernel = image,
                Modules = new(cache, kernel.Record),
                Cases = [.. batch.Select(p => new TrialCase { Name = p, Modules = [FixBuilds.ModuleOf(state, p)] })],
            };
            var reports = BenchFailure.Demand(await LivepatchTrial.RunAsync(request, cancellation));
            foreach (var report in reports)
            {
                var trial = new FixTrial(
                    report.Case,
                    [.. report.Problems.Select(p => new FixReason(p.Code.Id, p.Reason))],
                    report.TransitionSeconds
                );
                state.Keep(Kept, StateFolder.NameOf(report.Case), trial, FixesJson.Default.FixTrial);
                trials[report.Case] = trial;
            }

            var wrong = trials.Values.Count(t => t.Findings.Count > 0);
            Console.Error.WriteLine($"[{trials.Count}/{modules.Count}] tried, {wrong} wrong");
        }

        return [.. modules.Select(m => trials[m])];
    }
}
