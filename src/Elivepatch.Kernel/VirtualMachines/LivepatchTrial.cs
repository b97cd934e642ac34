// In: a kernel's boot image and cases, each of livepatch modules and a script. Out: a report for each case. All cases share one
// boot; one that kills its guest or leaves it unfit costs only itself, and those after it get a fresh guest.

using Elivepatch.Model;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Tries livepatches on the kernel that they were made for.</summary>
public static class LivepatchTrial
{
    // Beyond what a phase may take: the guest's own timeouts come first, on a busy machine too.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Runs the cases in their order. A failure means that they could not be tried; a livepatch that fails has a report that says
    /// so.
    /// </summary>
    public static async Task<Outcome<IReadOnlyList<TrialReport>>> RunAsync(TrialRequest request, CancellationToken cancellation)
    {
        if (TrialPlan.Check(request.Cases) is { } invalid)
        {
            return invalid;
        }

        var modules = new List<IReadOnlyList<TrialModule>>();
        var targets = new List<IReadOnlyList<TrialTarget>>();
        foreach (var trial in request.Cases)
        {
            var read = TrialModule.ReadAll(trial.Modules);
            if (!read.TryGet(out var ofCase))
            {
                return Outcome<IReadOnlyList<TrialReport>>.Failure(read.Problems);
            }

            modules.Add(ofCase);
            var found = await TrialTarget.FindAsync(request.Modules, ofCase, cancellation);
            if (!found.TryGet(out var ofKernel))
            {
                return Outcome<IReadOnlyList<TrialReport>>.Failure(found.Problems);
            }

            targets.Add(ofKernel);
        }
        var reports = new List<TrialReport>();
        while (reports.Count < request.Cases.Count)
        {
            var boot = await BootAsync(request, modules, targets, reports.Count, cancellation);
            if (!boot.TryGet(out var more))
            {
                return Outcome<IReadOnlyList<TrialReport>>.Failure(boot.Problems);
            }

            reports.AddRange(more);
        }
        return reports;
    }

    private static async Task<Outcome<IReadOnlyList<TrialReport>>> BootAsync(
        TrialRequest request,
        IReadOnlyList<IReadOnlyList<TrialModule>> modules,
        IReadOnlyList<IReadOnlyList<TrialTarget>> targets,
        int first,
        CancellationToken cancellation
    )
    {
        var plan = new TrialPlan(request.Cases, modules, targets, first);
        var progress = new TrialProgress(request.Cases, request.OnProgress);
        var job = new GuestJob
        {
            Architecture = request.Architecture,
            Kernel = request.Kernel,
            Userland = request.Userland,
            Script = "",
            Files = plan.Files,
            Memory = request.Memory + plan.TargetMemory,
            Processors = request.Processors,
            // A kernel that has oopsed may hang anywhere; its console is complete by then, so it ends at once.
            KernelArguments = ["oops=panic", .. request.KernelArguments],
            // As on a machine: what was computed from an address as linked is wrong here too.
            RandomizesAddresses = true,
            Timeout = plan.LongestDuration + Grace,
            SilenceLimit = plan.LongestPhase + Grace,
            OnEvent = progress.Report,
        };
        progress.Boot();
        var run = await VirtualMachine.RunAsync(job, GuestImage.Script("trial.sh"), cancellation);
        return run.Then(result => TrialReading.Read(result, request.Cases, modules, targets));
    }
}
