using System.Diagnostics;
using Elivepatch.Engine;
using Elivepatch.Kernel.Progress;

namespace Elivepatch.Kernel.Build;

/// <summary>Runs the stages of a build one after the other: reports where each begins and ends, and keeps their times.</summary>
internal sealed class StageClock(IProgress<StageEvent>? progress)
{
    private readonly List<StageTime> times = [];

    /// <summary>The stages so far.</summary>
    public IReadOnlyList<StageTime> Times => times;

    /// <summary>Runs a stage.</summary>
    public async Task<Outcome<T>> RunAsync<T>(string stage, Func<Task<Outcome<T>>> work)
    {
        var watch = Stopwatch.StartNew();
        progress?.Report(new(stage, "", StageState.Running));
        var outcome = await work();
        times.Add(new(stage, watch.Elapsed));
        progress?.Report(new(stage, "", outcome.Succeeded ? StageState.Done : StageState.Failed));
        return outcome;
    }

    /// <summary>Runs a stage that starts no process.</summary>
    public Task<Outcome<T>> RunAsync<T>(string stage, Func<Outcome<T>> work) => RunAsync(stage, () => Task.FromResult(work()));
}
