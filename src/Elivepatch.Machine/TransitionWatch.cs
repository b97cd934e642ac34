using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Machine;

/// <summary>How the watch over a transition ended.</summary>
public enum TransitionEnd
{
    /// <summary>All tasks have moved over.</summary>
    Done,

    /// <summary>Somebody turned it around: what was to go live is gone, or what was to go is live.</summary>
    Reversed,

    /// <summary>Tasks still block it. The kernel goes on trying.</summary>
    Stuck,
}

/// <summary>Watches the transition of one livepatch.</summary>
public sealed class TransitionWatch(MachineAccess machine)
{
    // To look at every task costs time; the kernel itself tries once a second.
    private static readonly TimeSpan taskInterval = TimeSpan.FromSeconds(1);

    /// <summary>Waits for the end.</summary>
    /// <param name="name">The livepatch.</param>
    /// <param name="toLive">True where it goes live, false where it goes away.</param>
    /// <param name="limit">How long to wait.</param>
    /// <param name="detail">Told what is still to come.</param>
    /// <param name="cancellation">Ends the watch, not the transition.</param>
    public async Task<TransitionEnd> WaitAsync(
        string name,
        bool toLive,
        TimeSpan limit,
        Action<string> detail,
        CancellationToken cancellation
    )
    {
        var livepatches = new LoadedLivepatches(machine.Files);
        var start = machine.Time.GetTimestamp();
        var told = start - machine.Time.TimestampFrequency;
        while (true)
        {
            if (End(livepatches.Find(name), toLive) is { } end)
            {
                return end;
            }

            if (machine.Time.GetElapsedTime(start) >= limit)
            {
                return TransitionEnd.Stuck;
            }

            if (machine.Time.GetElapsedTime(told) >= taskInterval)
            {
                told = machine.Time.GetTimestamp();
                var blocking = BlockingTasks.Read(machine.Files, toLive);
                if (blocking.Count > 0)
                {
                    detail($"{blocking.Count} {(blocking.Count == 1 ? "task" : "tasks")} to go: {blocking.Names()}");
                }
            }
            await Task.Delay(machine.PollInterval, machine.Time, cancellation);
        }
    }

    /// <summary>Waits and shows it as a stage.</summary>
    public async Task<TransitionEnd> ShowAsync(
        string stage,
        string name,
        bool toLive,
        TimeSpan limit,
        IProgress<StageEvent> progress,
        CancellationToken cancellation
    )
    {
        progress.Report(new(stage, name, StageState.Running));
        var end = await WaitAsync(
            name,
            toLive,
            limit,
            detail => progress.Report(new(stage, detail, StageState.Running)),
            cancellation
        );
        progress.Report(new(stage, name, end == TransitionEnd.Done ? StageState.Done : StageState.Failed));
        return end;
    }

    /// <summary>
    /// What is said of a transition that does not end: whose it is, which tasks block it, and that to ask again waits on.
    /// </summary>
    public static Problem StuckProblem(MachineFiles files, string name, bool toLive, TimeSpan limit)
    {
        var (what, turn) = toLive
            ? ($"{name} is loaded and not yet live for all tasks", $"`elivepatch disable {name}`")
            : ($"{name} is going away and not yet out of use for all tasks", $"`elivepatch enable {name}`");
        return new(
            MachineProblems.LiveTransitionStuck,
            string.Join(
                '\n',
                BlockingTasks
                    .Read(files, toLive)
                    .Lines()
                    .Prepend($"{what} after {limit.TotalSeconds:0} s; the kernel keeps trying")
            ),
            $"Let the blocking tasks return to user space, or end them; the same command continues waiting; {turn} reverses the transition."
        );
    }

    private static TransitionEnd? End(LoadedLivepatch? livepatch, bool toLive) =>
        (livepatch, toLive) switch
        {
            (null, true) => TransitionEnd.Reversed,
            (null, false) => TransitionEnd.Done,
            ({ IsInTransition: false, IsEnabled: true }, _) => toLive ? TransitionEnd.Done : TransitionEnd.Reversed,
            _ => null,
        };
}
