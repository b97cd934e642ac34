// In: what a guest told and logged while it ran trial.sh. Out: a report for each case that it began, with everything that was
// wrong. Whether a case passed is decided here and nowhere else; what is missing counts against it.

using System.Globalization;
using Elivepatch.Model;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Reads the reports out of a guest's result.</summary>
internal static class TrialReading
{
    /// <summary>The reports of the cases that were begun, at least one; a failure where there is none.</summary>
    public static Outcome<IReadOnlyList<TrialReport>> Read(
        GuestResult result,
        IReadOnlyList<TrialCase> cases,
        IReadOnlyList<IReadOnlyList<TrialModule>> modules,
        IReadOnlyList<IReadOnlyList<TrialTarget>> targets
    )
    {
        var reports = new List<TrialReport>();
        var starts = Enumerable.Range(0, result.Events.Count).Where(i => result.Events[i].Name == "case").ToList();
        var console = result.Console.Split('\n');
        for (var i = 0; i < starts.Count; i++)
        {
            var end = i + 1 < starts.Count ? starts[i + 1] : result.Events.Count;
            var events = result.Events.Skip(starts[i]).Take(end - starts[i]).ToList();
            if (
                !int.TryParse(events[0].Word(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                || number >= cases.Count
            )
            {
                break;
            }

            var log = Slice(console, result.Nonce, number);
            var report = ReadCase(
                cases[number],
                modules[number],
                targets[number],
                events,
                log,
                i + 1 == starts.Count ? result : null
            );
            reports.Add(report with { Console = result.Console });
        }
        if (reports.Count > 0)
        {
            return reports;
        }

        return result.Failure
            ?? new(VirtualMachineProblems.GuestAnswerMalformed, $"no case was begun; console:\n{result.ConsoleTail}");
    }

    private static TrialReport ReadCase(
        TrialCase trial,
        IReadOnlyList<TrialModule> modules,
        IReadOnlyList<TrialTarget> targets,
        List<GuestEvent> events,
        IReadOnlyList<string> log,
        GuestResult? last
    )
    {
        var phases = Phases(events);
        var done = events.FindLast(e => e.Name == "done");
        var problems = new List<Problem>();
        if (done is null)
        {
            problems.Add(NotDone(last, phases));
        }

        problems.AddRange(phases.Select(p => Judge(p, trial, log)).OfType<Problem>());
        problems.AddRange(KernelLog.FindComplaints(log).Select(c => new Problem(VirtualMachineProblems.KernelComplained, c)));
        // What is stuck remains: that is one finding, not two.
        if (!problems.Exists(p => p.Code == VirtualMachineProblems.TransitionStuck))
        {
            problems.AddRange(
                events
                    .Where(e => e.Name == "remains")
                    .Select(e => new Problem(VirtualMachineProblems.LivepatchRemains, e.Rest(1)))
            );
        }

        if (done is not null && Taint(events[0], done) is { Length: > 0 } taint)
        {
            problems.Add(new(VirtualMachineProblems.UnexpectedTaint, $"the kernel is tainted {taint}"));
        }

        if (problems.Count == 0 && Missing(trial, modules, targets.Any(t => t.IsPatched), phases) is { } missing)
        {
            problems.Add(new(VirtualMachineProblems.GuestAnswerMalformed, $"nothing was reported about '{missing}'"));
        }

        return new()
        {
            Case = trial.Name,
            Phases = phases,
            KernelLog = log,
            Problems = problems,
            Untested = [.. Untested(modules, targets, events)],
            TransitionSeconds = KernelLog.TransitionSeconds([.. log.Where(l => !IsAboutNeutralLivepatch(l))]),
        };
    }

    // A driver may want its hardware; a module whose file nobody has was not there.
    private static IEnumerable<string> Untested(
        IReadOnlyList<TrialModule> modules,
        IReadOnlyList<TrialTarget> targets,
        List<GuestEvent> events
    ) =>
        modules
            .SelectMany(m => m.Patches)
            .Except(targets.Select(t => t.Name))
            .Select(n => $"{n}: its file is not known")
            .Concat(
                events
                    .Where(e => e.Name == "untested" && targets.Any(t => t.IsPatched && t.Name == e.Word(1)))
                    .Select(e => $"{e.Word(1)}: {e.Rest(2)}")
            );

    private static bool IsAboutNeutralLivepatch(string line) =>
        line.Contains($"'{TrialPlan.Neutral}'", StringComparison.Ordinal)
        || line.Contains($"'{TrialPlan.Again}'", StringComparison.Ordinal);

    private static Problem NotDone(GuestResult? last, IReadOnlyList<TrialPhase> phases)
    {
        var where = phases.Count == 0 ? "before its first phase" : $"in phase '{phases[^1]}'";
        var failure = last?.Failure;
        return failure is null
            ? new(VirtualMachineProblems.GuestAnswerMalformed, $"the case has no end, {where}")
            : failure with
            {
                Reason = $"{where}: {failure.Reason}",
            };
    }

    private static Problem? Judge(TrialPhase phase, TrialCase trial, IReadOnlyList<string> log) =>
        phase switch
        {
            { ExitStatus: 0 or -1 } => null,
            { IsScript: true, ExitStatus: 137 } when phase.Seconds >= trial.ScriptTimeout.TotalSeconds => new(
                VirtualMachineProblems.TrialScriptTimedOut,
                $"'{phase}' was killed after {phase.Seconds:0} s:\n{Tail(phase.Output)}"
            ),
            { IsScript: true } => new(
                VirtualMachineProblems.TrialScriptFailed,
                $"'{phase}' had exit status {phase.ExitStatus}:\n{Tail(phase.Output)}"
            ),
            { Name: "load" } => new(
                VirtualMachineProblems.LivepatchNotLoaded,
                $"{phase.Livepatch}: {Tail(phase.Output)}\n{AboutLoading(phase, log)}"
            ),
            { Name: "transition" } or { Name: "disable", ExitStatus: 1 } => new(
                VirtualMachineProblems.TransitionStuck,
                Stuck(phase)
            ),
            { Name: "keep" } => new(
                VirtualMachineProblems.LivepatchNotKept,
                $"{phase.Livepatch} was unloaded: {Tail(phase.Output)}"
            ),
            { Name: "insert" or "patched" or "remove" or "pinned" } => new(
                VirtualMachineProblems.TargetNotPatched,
                $"'{phase}' had exit status {phase.ExitStatus}: {Tail(phase.Output)}\n{AboutLoading(phase, log)}"
            ),
            { Name: "replace" } => new(VirtualMachineProblems.FormerLivepatchRemains, $"{phase.Livepatch} was to be replaced"),
            _ => new(VirtualMachineProblems.LivepatchRemains, $"'{phase}' failed: {Tail(phase.Output)}"),
        };

    private static string AboutLoading(TrialPhase phase, IReadOnlyList<string> log) =>
        string.Join(
            '\n',
            log.Where(l =>
                    l.Contains(phase.Livepatch, StringComparison.Ordinal) || l.Contains("livepatch", StringComparison.Ordinal)
                )
                .TakeLast(10)
        );

    private static string Stuck(TrialPhase phase)
    {
        var tasks = phase.BlockingTasks.Select(t => $"task {t.Id} ({t.Name}) in:\n  {string.Join("\n  ", t.Stack)}");
        return $"'{phase}' did not end within {phase.Seconds:0} s\n"
            + (
                phase.BlockingTasks.Count > 0
                    ? string.Join('\n', tasks)
                    : "no task of a process blocks it; a processor's idle task may"
            );
    }

    private static List<TrialPhase> Phases(List<GuestEvent> events)
    {
        var phases = new List<TrialPhase>();
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i].Name != "phase")
            {
                continue;
            }

            var inside = events.Skip(i + 1).TakeWhile(e => !EndsPhase(e)).ToList();
            var end = events.Skip(i + 1).FirstOrDefault(EndsPhase);
            var status =
                end?.Name == "status" && int.TryParse(end.Word(1), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
                    ? value
                    : -1;
            var last = end?.Uptime ?? inside.Select(e => e.Uptime).Append(events[i].Uptime).Max();
            phases.Add(
                new(
                    events[i].Word(1),
                    events[i].Word(2),
                    string.Concat(inside.Where(e => e.IsOutput).Select(e => e.Text + "\n")),
                    status,
                    Math.Round(last - events[i].Uptime, 2)
                )
                {
                    BlockingTasks = BlockingTasks(inside),
                }
            );
        }
        return phases;
    }

    private static bool EndsPhase(GuestEvent happened) => happened.Name is "phase" or "status" or "done";

    private static List<BlockingTask> BlockingTasks(List<GuestEvent> events)
    {
        var tasks = new List<BlockingTask>();
        for (var i = 0; i < events.Count; i++)
        {
            if (
                events[i].Name != "blocking"
                || !int.TryParse(events[i].Word(1), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            )
            {
                continue;
            }

            var stack = events
                .Skip(i + 1)
                .TakeWhile(e => e.Name is "stack" or "")
                .Where(e => e.Name == "stack")
                .Select(e => e.Rest(1));
            tasks.Add(new(id, events[i].Rest(2), [.. stack]));
        }
        return tasks;
    }

    // The steps that a case must have had when nothing failed.
    private static string? Missing(TrialCase trial, IReadOnlyList<TrialModule> modules, bool hasTargets, List<TrialPhase> phases)
    {
        var script = trial.Script is null ? 0 : 1;
        List<string> names = [.. modules.Select(m => m.Name)];
        if (TrialPlan.NeutralLivepatchesFor(modules) is not null)
        {
            names.AddRange([TrialPlan.Neutral, TrialPlan.Again]);
        }

        (string Name, int Count)[] expected =
        [
            ("probe", hasTargets ? 1 : 0),
            ("before", script),
            ("load", names.Count),
            ("transition", names.Count),
            ("during", modules.Count * script),
            ("after", 2 * script),
        ];
        if (expected.FirstOrDefault(e => phases.Count(p => p.Name == e.Name && p.ExitStatus == 0) != e.Count).Name is { } missing)
        {
            return missing;
        }

        var gone = phases.Where(p => p.Name is "unload" or "keep" && p.ExitStatus == 0).Select(p => p.Livepatch).ToHashSet();
        return names.Find(n => !gone.Contains(n)) is { } kept ? $"unload {kept}" : null;
    }

    private static string Taint(GuestEvent begin, GuestEvent end) =>
        long.TryParse(begin.Word(2), out var before) && long.TryParse(end.Word(2), out var after)
            ? KernelTaint.Unexpected(before, after)
            : "in a way that cannot be read";

    // From the case's mark in the log to the next one's: what the kernel says late still belongs to the case that came before.
    private static IReadOnlyList<string> Slice(string[] console, string nonce, int number)
    {
        var start = Array.FindIndex(console, l => l.EndsWith($"elivepatch {nonce} case {number}", StringComparison.Ordinal));
        if (start < 0)
        {
            return [];
        }

        var next = Array.FindIndex(
            console,
            start + 1,
            l =>
                l.Contains($"elivepatch {nonce} case ", StringComparison.Ordinal)
                || l.EndsWith($"elivepatch {nonce} end", StringComparison.Ordinal)
        );
        return KernelLog.RemoveMarks(console[(start + 1)..(next < 0 ? console.Length : next)], nonce);
    }

    private static string Tail(string text) => string.Join('\n', text.TrimEnd().Split('\n').TakeLast(20));
}
