// In: a livepatch that was checked, and the machine. Out: it is live, and the machine remembers it. The way is a list of steps.
// Everything that a later command needs is on the disk before the kernel is touched, and nothing is called wanted before its
// transition has ended: a machine that goes down on the way comes up with what it had before.

using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Machine;

/// <summary>How a livepatch is made live.</summary>
/// <param name="TransitionLimit">How long to wait for the end of its transition.</param>
/// <param name="ReplacesForeign">True where livepatches of another origin may be taken away.</param>
public sealed record MakeLiveOptions(TimeSpan TransitionLimit, bool ReplacesForeign);

/// <summary>Makes a livepatch live.</summary>
public sealed class MakeLive(
    MachineAccess machine,
    MachineState state,
    string buildId,
    MakeLiveOptions options,
    IProgress<StageEvent> progress
)
{
    // The kernel frees what was replaced by a work item of its own, a moment after the transition.
    private static readonly TimeSpan unloadLimit = TimeSpan.FromSeconds(10);

    private readonly LoadedLivepatches loaded = new(machine.Files);
    private readonly List<string> replaced = [];

    // Those of the replaced that keep themselves in memory: nothing is gained by waiting for them.
    private readonly HashSet<string> kept = [];

    /// <summary>The livepatches that the transition took away.</summary>
    public IReadOnlyList<string> Replaced => replaced;

    /// <summary>How long the transition took.</summary>
    public TimeSpan Transition { get; private set; }

    /// <summary>All steps for a livepatch that was fetched just now.</summary>
    public IReadOnlyList<LiveStep> StepsOf(NewLivepatch made) =>
        [
            new("keep the patches", _ => Task.FromResult(Keep(made.Patches))),
            new("keep the module", _ => Task.FromResult(Keep([made.Module]))),
            new("keep the manifest", _ => Task.FromResult(state.StoreManifest(buildId, made.Livepatch.Sha256, made.Manifest))),
            new("note that it was accepted", cancellation => NoteAsync(made, cancellation)),
            // It is vouched for after it was withdrawn: the last word counts.
            new(
                "forget an earlier withdrawal",
                cancellation =>
                    state.ChangeWithdrawalsAsync(
                        buildId,
                        known => known.Without(made.Livepatch.Sha256, made.Issued),
                        cancellation
                    )
            ),
            .. StepsOf(made.Livepatch),
        ];

    /// <summary>The steps for a livepatch that is on the disk and in the ledger.</summary>
    public IReadOnlyList<LiveStep> StepsOf(OwnLivepatch livepatch) =>
        [
            new("load", cancellation => LoadAsync(livepatch, cancellation)),
            new("wait for the transition", cancellation => WatchAsync(livepatch, cancellation)),
            new("note that it is live", cancellation => ReconcileAsync(machine, state, buildId, cancellation)),
            new("unload what was replaced", UnloadReplacedAsync),
            new("remove what is not needed", RemoveUnneededAsync),
        ];

    /// <summary>Goes through steps until one fails.</summary>
    public static async Task<Problem?> RunAsync(IEnumerable<LiveStep> steps, CancellationToken cancellation)
    {
        foreach (var step in steps)
        {
            cancellation.ThrowIfCancellationRequested();
            if (await step.RunAsync(cancellation) is { } problem)
            {
                return problem;
            }
        }
        return null;
    }

    /// <summary>Brings the ledger up to what the kernel shows: a livepatch of ours that is live is the wanted one.</summary>
    public static async Task<Problem?> ReconcileAsync(
        MachineAccess machine,
        MachineState state,
        string buildId,
        CancellationToken cancellation
    )
    {
        var locked = await state.LockStateAsync(cancellation);
        if (!locked.TryGet(out var writing))
        {
            return locked.Problems[0];
        }

        using (writing)
        {
            var read = state.ReadKernel(buildId, machine.Release);
            if (!read.TryGet(out var ledger))
            {
                return read.Problems[0];
            }

            var now = new LoadedLivepatches(machine.Files).List();
            if (
                ledger.FindLive(now) is not { } live
                || now.Any(l => l.IsInTransition)
                || (ledger.Wanted == live.Sha256 && ledger.WantedBoot == machine.BootId)
            )
            {
                return null;
            }

            return state.Write(ledger with { Livepatches = [live], Wanted = live.Sha256, WantedBoot = machine.BootId });
        }
    }

    /// <summary>Why nothing may be loaded beside what others have loaded; null where it may.</summary>
    public static Problem? CheckForeign(KernelLedger ledger, IReadOnlyList<LoadedLivepatch> loaded, bool allowed)
    {
        var foreign = loaded.Where(l => ledger.Livepatches.All(own => own.Module != l.Name)).Select(l => l.Name).ToList();
        return foreign.Count > 0 && !allowed ? new(MachineProblems.ForeignLivepatch, string.Join(", ", foreign)) : null;
    }

    private Problem? Keep(IEnumerable<byte[]> contents)
    {
        foreach (var content in contents)
        {
            var kept = state.StoreContent(buildId, content);
            if (!kept.Succeeded)
            {
                return kept.Problems[0];
            }
        }
        return null;
    }

    private Task<Problem?> NoteAsync(NewLivepatch made, CancellationToken cancellation) =>
        ChangeAsync(
            ledger =>
                ledger with
                {
                    Livepatches = [.. ledger.Livepatches.Where(l => l.Sha256 != made.Livepatch.Sha256), made.Livepatch],
                    NewestAccepted =
                        ledger.NewestAccepted > made.Issued && !made.CountsAnew ? ledger.NewestAccepted : made.Issued,
                },
            cancellation
        );

    private async Task<Problem?> LoadAsync(OwnLivepatch livepatch, CancellationToken cancellation)
    {
        progress.Report(new("load", livepatch.Module, StageState.Running));
        await FreeNameAsync(livepatch.Module, cancellation);
        var locked = await state.LockStateAsync(cancellation);
        if (!locked.TryGet(out var writing))
        {
            return Failed(locked.Problems[0]);
        }

        using (writing)
        {
            var problem = Load(livepatch);
            if (problem is null)
            {
                progress.Report(new("load", livepatch.Module, StageState.Done));
            }

            return problem is null ? null : Failed(problem);
        }

        Problem Failed(Problem problem)
        {
            progress.Report(new("load", livepatch.Module, StageState.Failed));
            return problem;
        }
    }

    private Problem? Load(OwnLivepatch livepatch)
    {
        var read = state.ReadKernel(buildId, machine.Release);
        if (!read.TryGet(out var ledger))
        {
            return read.Problems[0];
        }

        var before = loaded.List();
        // Others may have loaded theirs since the command began.
        if (CheckForeign(ledger, before, options.ReplacesForeign) is { } foreign)
        {
            return foreign;
        }

        if (before.Any(l => l.Name == livepatch.Module))
        {
            return null;
        }

        if (before.FirstOrDefault(l => l.IsInTransition) is { } moving)
        {
            return new(
                MachineProblems.LivepatchUnchangeable,
                $"{moving.Name} is in transition, and the kernel starts no other before it has completed"
            );
        }

        if (loaded.IsModuleLoaded(livepatch.Module))
        {
            return loaded.IsHeld(livepatch.Module)
                ? new(
                    MachineProblems.ModuleNameTaken,
                    $"{livepatch.Module} is not live and stays in memory until the machine restarts",
                    "Choose another name with --name."
                )
                : new(MachineProblems.ModuleNameTaken, livepatch.Module);
        }

        var module = state.ReadContent(buildId, livepatch.Sha256);
        if (!module.Succeeded)
        {
            return module.Problems[0];
        }

        replaced.AddRange(before.Select(l => l.Name));
        kept.UnionWith(ledger.Livepatches.Where(l => l.KeptInMemory.Count > 0).Select(l => l.Module));
        var log = machine.Calls.GetLog();
        var error = machine.Calls.Load(state.ContentPath(buildId, livepatch.Sha256));
        return error == 0
            ? null
            : new LoadRefusal(machine.Files, livepatch.Module, module.Value.AsSpan().EndsWith(LoadRefusal.SignatureMark)).Explain(
                error,
                machine.Calls.GetLogSince(log)
            );
    }

    // A livepatch that was disabled earlier, or turned around on its way, stays loaded until somebody unloads it. The kernel lets
    // go of it a moment after its transition.
    private async Task FreeNameAsync(string name, CancellationToken cancellation)
    {
        var start = machine.Time.GetTimestamp();
        while (
            loaded.IsLivepatchModule(name)
            && loaded.Find(name) is null
            && machine.Calls.Unload(name) != 0
            && machine.Time.GetElapsedTime(start) < unloadLimit
        )
        {
            await Task.Delay(machine.PollInterval, machine.Time, cancellation);
        }
    }

    private async Task<Problem?> WatchAsync(OwnLivepatch livepatch, CancellationToken cancellation)
    {
        var start = machine.Time.GetTimestamp();
        var end = await new TransitionWatch(machine).ShowAsync(
            "go live",
            livepatch.Module,
            toLive: true,
            options.TransitionLimit,
            progress,
            cancellation
        );
        Transition = machine.Time.GetElapsedTime(start);
        return end switch
        {
            TransitionEnd.Done => null,
            TransitionEnd.Reversed => new(
                MachineProblems.TransitionReversed,
                $"{livepatch.Module} was disabled by someone else; what was live before is live again"
            ),
            _ => TransitionWatch.StuckProblem(machine.Files, livepatch.Module, toLive: true, options.TransitionLimit),
        };
    }

    private async Task<Problem?> UnloadReplacedAsync(CancellationToken cancellation)
    {
        var start = machine.Time.GetTimestamp();
        foreach (var name in replaced.Where(n => !kept.Contains(n)))
        {
            // One that cannot be unloaded does nothing any more: no reason to fail.
            while (loaded.IsLivepatchModule(name) && machine.Time.GetElapsedTime(start) < unloadLimit)
            {
                if (loaded.Find(name) is null && machine.Calls.Unload(name) == 0)
                {
                    break;
                }

                await Task.Delay(machine.PollInterval, machine.Time, cancellation);
            }
        }
        return null;
    }

    private async Task<Problem?> RemoveUnneededAsync(CancellationToken cancellation)
    {
        var locked = await state.LockStateAsync(cancellation);
        if (!locked.TryGet(out var writing))
        {
            return locked.Problems[0];
        }

        using (writing)
        {
            var read = state.ReadKernel(buildId, machine.Release);
            return read.TryGet(out var ledger) ? state.RemoveUnneeded(ledger) : read.Problems[0];
        }
    }

    private async Task<Problem?> ChangeAsync(Func<KernelLedger, KernelLedger> change, CancellationToken cancellation)
    {
        var locked = await state.LockStateAsync(cancellation);
        if (!locked.TryGet(out var writing))
        {
            return locked.Problems[0];
        }

        using (writing)
        {
            var read = state.ReadKernel(buildId, machine.Release);
            return read.TryGet(out var ledger) ? state.Write(change(ledger)) : read.Problems[0];
        }
    }
}
