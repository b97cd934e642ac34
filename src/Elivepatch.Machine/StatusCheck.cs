// In: how the machine is. Out: one word and one line for a monitoring system, in the exit statuses of its plugins. Only what the
// machine knows without a server counts: what is to be live and is not, what is live and should not be, what stays halfway, and
// whether the next boot loads it again.

using Elivepatch.Model;
using Elivepatch.Protocol;

namespace Elivepatch.Machine;

/// <summary>How bad it is: the exit statuses of Nagios's plugins.</summary>
public enum CheckState
{
    /// <summary>All is as it should be.</summary>
    Ok = 0,

    /// <summary>Somebody should look.</summary>
    Warning = 1,

    /// <summary>A fix is not live, or something harmful is.</summary>
    Critical = 2,

    /// <summary>It cannot be told.</summary>
    Unknown = 3,
}

/// <summary>One thing that was found.</summary>
/// <param name="State">How bad it is.</param>
/// <param name="Text">What it is, in one line.</param>
public sealed record CheckFinding(CheckState State, string Text);

/// <summary>What <c>status --check</c> says.</summary>
/// <param name="State">The worst of the findings.</param>
/// <param name="Summary">All of it in one line.</param>
/// <param name="Findings">What was found, the worst first; empty where all is well.</param>
public sealed record CheckReport(CheckState State, string Summary, IReadOnlyList<CheckFinding> Findings);

/// <summary>Judges how the machine is.</summary>
public static class StatusCheck
{
    // Most transitions end within seconds, and the kernel wakes sleepers after 15: what lasts this long needs somebody.
    private static readonly TimeSpan longestTransition = TimeSpan.FromMinutes(5);

    // What is known to be wrong says more than what is not known.
    private static readonly CheckState[] byWeight = [CheckState.Critical, CheckState.Warning, CheckState.Unknown, CheckState.Ok];

    /// <summary>Judges a machine; takes no lock and writes nothing.</summary>
    public static CheckReport Run(MachineAccess machine, MachineState state, BootService service)
    {
        var read = MachineStatus.Read(machine, state);
        return read.TryGet(out var status) ? Report(status, [.. Find(machine, state, status, service)]) : Unknown(read.Problems);
    }

    /// <summary>What is said where nothing can be found out.</summary>
    public static CheckReport Unknown(IReadOnlyList<Problem> problems) =>
        Report(null, [.. problems.Select(p => new CheckFinding(CheckState.Unknown, $"{p.Code.Id} {p.Reason}"))]);

    private static CheckReport Report(StatusReport? status, IReadOnlyList<CheckFinding> findings)
    {
        var worst = findings.Select(f => f.State).Append(CheckState.Ok).MinBy(s => Array.IndexOf(byWeight, s));
        var sorted = findings.OrderBy(f => Array.IndexOf(byWeight, f.State)).ToList();
        var text = sorted.Count > 0 ? string.Join("; ", sorted.Select(f => f.Text)) : Healthy(status!);
        return new(worst, $"{worst.ToString().ToUpperInvariant()}: {text.ReplaceLineEndings(" ")}", sorted);
    }

    private static string Healthy(StatusReport status)
    {
        var live = status.Livepatches.Where(l => l.State == "live").Select(l => l.Name).ToList();
        return live.Count == 0 ? $"no livepatch is wanted for {status.Release}" : $"{string.Join(", ", live)} live";
    }

    private static IEnumerable<CheckFinding> Find(
        MachineAccess machine,
        MachineState state,
        StatusReport status,
        BootService service
    ) =>
        [
            .. status.Problems.Select(Damage),
            .. status.CanBeLivePatched
                ? []
                : (CheckFinding[])
                    [
                        new(
                            CheckState.Unknown,
                            $"{status.Release} cannot be live patched: there is no /{LoadedLivepatches.Folder}"
                        ),
                    ],
            .. Wanted(machine, state, status),
            .. status
                .Livepatches.Where(l => l.Withdrawn is not null && l.State != "loaded")
                .Select(l => new CheckFinding(CheckState.Critical, $"{l.Withdrawn!.Describe()}, and is {l.State}")),
            .. status
                .Livepatches.Where(l => l.State is "going live" or "going away")
                .Select(l => Moving(machine, state, status, l)),
            .. status.Livepatches.SelectMany(Replaced),
            .. Boot(status, service),
        ];

    // A list that cannot be read is damage, for `patch` and the next boot need it. Only root is told what it says.
    private static CheckFinding Damage(ProblemReport problem) =>
        new(
            problem.Code == MachineProblems.RootNeeded.Id ? CheckState.Unknown : CheckState.Critical,
            $"{problem.Code} {problem.Reason}"
        );

    private static IEnumerable<CheckFinding> Replaced(LivepatchStatus livepatch) =>
        livepatch
            .Modules.Where(m => m.IsReplacedOnDisk)
            .Select(m => new CheckFinding(
                CheckState.Warning,
                $"{livepatch.Name} is for another build of {m.Name} than the one that is installed now, which cannot be loaded while it is live"
            ));

    private static IEnumerable<CheckFinding> Wanted(MachineAccess machine, MachineState state, StatusReport status)
    {
        var kernel = state.ReadKernel(status.BuildId, machine.Release);
        if (!kernel.TryGet(out var ledger) || ledger.WantedLivepatch is not { } wanted)
        {
            yield break;
        }

        var isThere = status.Livepatches.Any(l => l.IsOurs && l.State is "live" or "going live");
        if (!isThere)
        {
            var patches = string.Join(", ", wanted.Patches.Select(p => p.Name));
            yield return new(
                CheckState.Critical,
                $"{wanted.Module} is wanted and not live ({patches}; loading at boot is {status.Boot})"
            );
        }
    }

    private static CheckFinding Moving(MachineAccess machine, MachineState state, StatusReport status, LivepatchStatus livepatch)
    {
        var blocking = new BlockingTasks(livepatch.BlockingCount, livepatch.Blocking);
        var tasks = blocking.Count > 0 ? $", {blocking.Count} to go: {blocking.Names()}" : "";
        return Age(machine, state, status, livepatch) is { } age && age > longestTransition
            ? new(CheckState.Critical, $"{livepatch.Name} is {livepatch.State} for {age.TotalMinutes:0} minutes{tasks}")
            : new(CheckState.Warning, $"{livepatch.Name} is {livepatch.State}{tasks}");
    }

    // The kernel does not say when a transition began. One of ours that goes live for the first time was accepted just before;
    // one that is loaded at boot began after that. Of others nothing is known.
    private static TimeSpan? Age(MachineAccess machine, MachineState state, StatusReport status, LivepatchStatus livepatch)
    {
        if (
            livepatch.State != "going live"
            || !state.ReadKernel(status.BuildId, machine.Release).TryGet(out var ledger)
            || ledger.Livepatches.LastOrDefault(l => l.Module == livepatch.Name) is not { } own
            || machine.Uptime is not { } up
        )
        {
            return null;
        }

        var known = machine.Time.GetUtcNow() - own.Accepted;
        return known < up ? known : up;
    }

    private static IEnumerable<CheckFinding> Boot(StatusReport status, BootService service)
    {
        if (status.Boot == "suspended")
        {
            yield return new(
                CheckState.Warning,
                "loading at boot is suspended after crashes; `elivepatch persist` turns it on again"
            );
        }
        else if (status.Boot == "on" && !service.IsInstalled)
        {
            yield return new(
                CheckState.Warning,
                $"loading at boot is on, and {service.FullPath} is missing or not enabled; run `elivepatch persist`"
            );
        }
    }
}
