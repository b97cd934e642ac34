// In: the events of a build about its stages and states. Out: when each stage of its last attempt began and how long it took.

using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.Pages;

/// <summary>A stage of a build in time.</summary>
/// <param name="Name">The stage.</param>
/// <param name="Detail">What it said last.</param>
/// <param name="Status"><c>running</c>, <c>done</c>, <c>cached</c>, <c>failed</c>, or <c>ended</c> where nobody said how.</param>
/// <param name="Begin">When it began, since the attempt did.</param>
/// <param name="Length">How long it took, or takes until now.</param>
/// <param name="Done">How much is done, where that is known.</param>
/// <param name="Total">How much there is to do, where that is known.</param>
public sealed record TimedStage(
    string Name,
    string Detail,
    string Status,
    TimeSpan Begin,
    TimeSpan Length,
    long? Done,
    long? Total
);

/// <summary>The stages of the last attempt of a build.</summary>
/// <param name="Stages">In the order in which they began.</param>
/// <param name="Whole">From the first to the end, or until now.</param>
public sealed record StageTimeline(IReadOnlyList<TimedStage> Stages, TimeSpan Whole)
{
    /// <summary>The most stages that a picture has room for.</summary>
    public const int MostStages = 60;

    /// <summary>Reads the events.</summary>
    /// <param name="events">In their order.</param>
    /// <param name="now">The time of whoever looks.</param>
    public static StageTimeline Of(IReadOnlyList<BuildEvent> events, DateTimeOffset now)
    {
        var first = events.ToList().FindLastIndex(e => e is { Kind: BuildEventKind.State, Detail: "running" });
        var attempt = first < 0 ? [.. events.Where(e => e.Kind == BuildEventKind.Stage)] : events.Skip(first).ToList();
        if (attempt.Count == 0)
        {
            return new([], TimeSpan.Zero);
        }

        var begin = attempt[0].Time;
        var ended = attempt.Find(e => e.Kind == BuildEventKind.State && e.Detail != "running");
        var end = ended?.Time ?? (now > attempt[^1].Time ? now : attempt[^1].Time);
        var stages = attempt
            .Where(e => e.Kind == BuildEventKind.Stage)
            .GroupBy(e => e.Stage)
            .Take(MostStages)
            .Select(stage => Time([.. stage], begin, end, ended is not null))
            .ToList();
        return new(stages, end - begin);
    }

    private static TimedStage Time(List<BuildEvent> events, DateTimeOffset begin, DateTimeOffset end, bool isOver)
    {
        var last = events[^1];
        var isRunning = last.Status is "running" or null;
        // A stage that nobody ended, ended with its build.
        return new(
            last.Stage,
            events.LastOrDefault(e => e.Detail.Length > 0)?.Detail ?? "",
            isRunning
                ? isOver
                    ? "ended"
                    : "running"
                : last.Status!,
            events[0].Time - begin,
            (isRunning ? end : last.Time) - events[0].Time,
            last.Done,
            last.Total
        );
    }
}
