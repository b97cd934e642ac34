// In: a build on a server. Out: the build, ended. Its stages are shown as they come; where the stream breaks off, the next one
// begins after the last event that was heard. What the build has become is asked for, never taken from an event.

using Elivepatch.Model;
using Elivepatch.Model.Progress;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Machine.Service;

/// <summary>Follows a build to its end.</summary>
public sealed class BuildFollower(ServerClient client, RetryPolicy patience, IProgress<StageEvent> progress)
{
    private const string Queue = "wait for a builder";

    // A server that restarts is back within this many tries; the pauses between them grow.
    private const int MostFailures = 12;

    // As many stages as a screen can show; no server has so many.
    private const int MostStages = 50;

    private static readonly TimeSpan longestPause = TimeSpan.FromSeconds(15);

    private readonly HashSet<string> stages = [];
    private long last;
    private bool waits;

    /// <summary>Follows it.</summary>
    public async Task<Outcome<BuildView>> FollowAsync(BuildView build, CancellationToken cancellation)
    {
        var failures = 0;
        while (!build.IsFinal)
        {
            Show(build);
            var before = last;
            var broken = await client.ReadEventsAsync(build.Id, last, Take, cancellation);
            var asked = await client.GetBuildAsync(build.Id, cancellation);
            if (asked.TryGet(out var view))
            {
                build = view;
            }
            else if (!IsPassing(asked.Problems[0]))
            {
                return asked;
            }

            if (build.IsFinal)
            {
                break;
            }

            failures = last > before ? 0 : failures + 1;
            if (failures > MostFailures)
            {
                return broken
                    ?? asked.Problems.FirstOrDefault()
                    ?? new Problem(ServiceProblems.ServerUnreachable, "it sends nothing about the build any more");
            }

            var pause = patience.Pause * Math.Pow(2, Math.Max(0, failures - 1));
            await Task.Delay(pause < longestPause ? pause : longestPause, patience.Time, cancellation);
        }
        Began();
        return build;
    }

    private static bool IsPassing(Problem problem) =>
        problem.Code == ServiceProblems.ServerUnreachable || problem.Code == ServiceProblems.TooManyRequests;

    private void Show(BuildView build)
    {
        if (build.State != BuildState.Queued || waits)
        {
            return;
        }

        waits = true;
        progress.Report(new(Queue, "", StageState.Running));
    }

    private void Began()
    {
        if (!waits)
        {
            return;
        }

        waits = false;
        progress.Report(new(Queue, "", StageState.Done));
    }

    private void Take(BuildEvent happened)
    {
        last = happened.Sequence;
        if (happened.Kind != BuildEventKind.Stage)
        {
            return;
        }

        Began();
        if (happened.Stage.Length == 0 || (!stages.Contains(happened.Stage) && stages.Count >= MostStages))
        {
            return;
        }

        stages.Add(happened.Stage);
        var state = happened.Status switch
        {
            "done" => StageState.Done,
            "cached" => StageState.Cached,
            "failed" => StageState.Failed,
            _ => StageState.Running,
        };
        progress.Report(new(happened.Stage, happened.Detail, state, happened.Done, happened.Total));
    }
}
