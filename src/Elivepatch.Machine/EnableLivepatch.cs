// In: the name of a livepatch that is going away, of any origin. Out: it is live again. The kernel turns a transition around
// where the opposite is asked for while it lasts (/sys/kernel/livepatch/NAME/enabled); one that has ended cannot be turned
// around.

using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Machine;

/// <summary>What came of enabling.</summary>
/// <param name="Name">The livepatch.</param>
/// <param name="ReversedTransition">True if its removal was in progress and was reversed.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record EnableReport(string Name, bool ReversedTransition, double Seconds);

/// <summary>Keeps livepatches live that are going away.</summary>
public sealed class EnableLivepatch(MachineAccess machine, MachineState state, IProgress<StageEvent> progress)
{
    private readonly LoadedLivepatches loaded = new(machine.Files);

    /// <summary>Turns the transition around and waits for its end.</summary>
    public async Task<Outcome<EnableReport>> RunAsync(string name, TimeSpan limit, CancellationToken cancellation)
    {
        if (loaded.Find(name) is not { } livepatch)
        {
            return new Problem(
                MachineProblems.LivepatchUnknown,
                loaded.IsLivepatchModule(name)
                    ? $"{name} is loaded, but its transition has completed: it is no longer live"
                    : name,
                "Make it live again with `elivepatch patch`."
            );
        }
        var start = machine.Time.GetTimestamp();
        var isReversing = livepatch is { IsEnabled: false, IsInTransition: true };
        if (isReversing && loaded.Enable(name) is { } refused)
        {
            return refused;
        }

        var end = await new TransitionWatch(machine).ShowAsync("enable", name, toLive: true, limit, progress, cancellation);
        return end switch
        {
            TransitionEnd.Reversed => new Problem(
                MachineProblems.TransitionReversed,
                $"{name} is gone: its transition had completed, or it was disabled again"
            ),
            TransitionEnd.Stuck => new Problem(
                MachineProblems.LiveTransitionStuck,
                string.Join(
                    '\n',
                    BlockingTasks
                        .Read(machine.Files, toLive: true)
                        .Lines()
                        .Prepend(
                            $"{name} is not yet live again for all tasks after {limit.TotalSeconds:0} s; the kernel keeps trying"
                        )
                ),
                "Let the blocking tasks return to user space, or end them."
            ),
            _ => await NoteAsync(cancellation) is { } unnoted
                ? unnoted with
                {
                    Reason = $"{name} is live; {unnoted.Reason}",
                }
                : new EnableReport(name, isReversing, Math.Round(machine.Time.GetElapsedTime(start).TotalSeconds, 3)),
        };
    }

    // To disable it took it off the list of what is wanted.
    private async Task<Problem?> NoteAsync(CancellationToken cancellation) =>
        machine.BuildId().TryGet(out var id) && !state.IsEmptyFor(id)
            ? await MakeLive.ReconcileAsync(machine, state, id, cancellation)
            : null;
}
