// In: the name of a livepatch of any origin. Out: it is not live any more. The machine's list is only a note beside it: where
// that cannot be written, the livepatch is disabled all the same, and the problem is told after it.

using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Machine;

/// <summary>What came of disabling.</summary>
/// <param name="Name">The livepatch.</param>
/// <param name="ReversedTransition">True if it was going live and that was reversed.</param>
/// <param name="Forced">True where the transition was ended by force.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record DisableReport(string Name, bool ReversedTransition, bool Forced, double Seconds);

/// <summary>Disables livepatches.</summary>
public sealed class DisableLivepatch(MachineAccess machine, MachineState state, IProgress<StageEvent> progress)
{
    private static readonly TimeSpan afterForce = TimeSpan.FromSeconds(10);
    private readonly LoadedLivepatches loaded = new(machine.Files);

    /// <summary>Disables one and waits for the end of its transition.</summary>
    public async Task<Outcome<DisableReport>> RunAsync(string name, TimeSpan limit, bool force, CancellationToken cancellation)
    {
        if (loaded.Find(name) is not { } livepatch)
        {
            return new Problem(
                MachineProblems.LivepatchUnknown,
                loaded.IsLivepatchModule(name) ? $"{name} is loaded, and not live: it can be unloaded" : name
            );
        }
        var start = machine.Time.GetTimestamp();
        var unnoted = await ForgetAsync(name, cancellation);
        if (livepatch.IsEnabled && loaded.Disable(name) is { } refused)
        {
            return refused;
        }

        var watch = new TransitionWatch(machine);
        var end = await watch.ShowAsync("disable", name, toLive: false, limit, progress, cancellation);
        var forced = false;
        if (end == TransitionEnd.Stuck && force)
        {
            if (loaded.Force(name) is { } unforced)
            {
                return unforced;
            }

            forced = true;
            end = await watch.ShowAsync("force", name, toLive: false, afterForce, progress, cancellation);
        }
        return end switch
        {
            TransitionEnd.Reversed => new Problem(MachineProblems.TransitionReversed, $"{name} was enabled again: it is live"),
            TransitionEnd.Stuck => Stuck(name, limit),
            _ when unnoted is not null => new Problem(
                // Whatever the cause, to disable it again is not what helps.
                MachineProblems.MachineStateUnusable,
                $"{name} is disabled, and comes back at the next boot where livepatches are loaded then: {unnoted.Reason}",
                "Once the directory can be written again, run `elivepatch persist --off`, or `elivepatch disable` after that boot."
            ),
            _ => new DisableReport(
                name,
                livepatch is { IsEnabled: true, IsInTransition: true },
                forced,
                Math.Round(machine.Time.GetElapsedTime(start).TotalSeconds, 3)
            ),
        };
    }

    /// <summary>Unloads the module of a livepatch that is not live.</summary>
    public Outcome<string> Unload(string name)
    {
        if (loaded.Find(name) is { } live)
        {
            return new Problem(
                MachineProblems.LivepatchInUse,
                live.IsInTransition ? $"{name} is in transition" : $"{name} is live"
            );
        }

        if (!loaded.IsModuleLoaded(name))
        {
            return new Problem(MachineProblems.LivepatchUnknown, name);
        }

        if (!loaded.IsLivepatchModule(name))
        {
            return new Problem(
                MachineProblems.LivepatchUnknown,
                $"{name} is a module, but not a livepatch",
                "Unload other modules with rmmod."
            );
        }

        return machine.Calls.Unload(name) switch
        {
            0 => name,
            KernelCalls.NotThere => new Problem(MachineProblems.LivepatchUnknown, name),
            KernelCalls.WouldBlock => Held(name),
            var error => new Problem(MachineProblems.LivepatchInUse, $"{name}: {KernelCalls.Describe(error)}"),
        };
    }

    private Problem Held(string name)
    {
        var reasons =
            machine.BuildId() is { Succeeded: true } id && state.ReadKernel(id.Value, machine.Release) is { Succeeded: true } read
                ? read.Value.Livepatches.LastOrDefault(l => l.Module == name)?.KeptInMemory ?? []
                : [];
        return reasons.Count > 0
            ? new(
                MachineProblems.LivepatchInUse,
                $"{name} keeps itself in memory, because the kernel may keep addresses of it: {string.Join("; ", reasons)}",
                "Leave it: it is not live and does nothing, and is gone when the machine restarts."
            )
            : new(
                MachineProblems.LivepatchInUse,
                $"a reference to {name} is held: by itself, where the kernel may keep addresses of it (`elivepatch inspect` of its file names them), "
                    + "or since its transition was forced",
                "Leave it: it is not live and does nothing, and is gone when the machine restarts."
            );
    }

    private Problem Stuck(string name, TimeSpan limit) =>
        new(
            MachineProblems.LiveTransitionStuck,
            string.Join(
                '\n',
                BlockingTasks
                    .Read(machine.Files, toLive: false)
                    .Lines()
                    .Prepend(
                        $"{name} is not yet out of use for all tasks after {limit.TotalSeconds:0} s; the kernel keeps trying"
                    )
            ),
            $"Let the blocking tasks return to user space, or end them; `elivepatch enable {name}` reverses the transition; "
                + $"`elivepatch disable {name} --force` ends it regardless and can bring the machine down."
        );

    // What was wanted is not wanted any more, before the kernel is told: a machine that goes down now does not load it at boot.
    private async Task<Problem?> ForgetAsync(string name, CancellationToken cancellation)
    {
        var buildId = machine.BuildId();
        if (!buildId.TryGet(out var id) || state.IsEmptyFor(id))
        {
            return null;
        }

        var locked = await state.LockStateAsync(cancellation);
        if (!locked.TryGet(out var writing))
        {
            return locked.Problems[0];
        }

        using (writing)
        {
            var read = state.ReadKernel(id, machine.Release);
            if (!read.TryGet(out var ledger))
            {
                return read.Problems[0];
            }

            return ledger.WantedLivepatch?.Module == name ? state.Write(ledger with { Wanted = null, WantedBoot = null }) : null;
        }
    }
}
