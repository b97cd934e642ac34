// In: stages, one after the other. Out: their values, until one fails; whoever calls reads like a list of stages, because what
// becomes of a failure stands here alone. A stage behind one that failed is not begun, and what stands for its value is handed to
// nothing but stages that are not begun either.

using System.Diagnostics;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Kernel.Build;

/// <summary>
/// Runs the stages of a build: reports where each begins and ends, keeps their times, and stops at the first that fails.
/// </summary>
internal sealed class StageRun(IProgress<StageEvent>? progress)
{
    private readonly List<StageTime> times = [];
    private IReadOnlyList<Problem> problems = [];

    /// <summary>The stages so far.</summary>
    public IReadOnlyList<StageTime> Times => times;

    /// <summary>Runs a stage and gives its value.</summary>
    public async Task<T> RunAsync<T>(string stage, Func<Task<Outcome<T>>> work)
    {
        if (problems.Count > 0)
        {
            return default!;
        }

        var watch = Stopwatch.StartNew();
        progress?.Report(new(stage, "", StageState.Running));
        var outcome = await work();
        times.Add(new(stage, watch.Elapsed));
        progress?.Report(new(stage, "", outcome.Succeeded ? StageState.Done : StageState.Failed));
        return Keep(outcome);
    }

    /// <summary>Runs a stage that starts no process.</summary>
    public Task<T> RunAsync<T>(string stage, Func<Outcome<T>> work) => RunAsync(stage, () => Task.FromResult(work()));

    /// <summary>Takes a value that needs no stage of its own.</summary>
    public T Take<T>(Func<Outcome<T>> work) => problems.Count > 0 ? default! : Keep(work());

    /// <summary>Makes something that stages share; nothing where one has failed.</summary>
    public T Make<T>(Func<T> make) => problems.Count > 0 ? default! : make();

    /// <summary>The result of all stages, or why there is none.</summary>
    public Outcome<T> End<T>(Func<T> result) => problems.Count > 0 ? Outcome<T>.Failure(problems) : result();

    private T Keep<T>(Outcome<T> outcome)
    {
        problems = outcome.Problems;
        return outcome.TryGet(out var value) ? value : default!;
    }
}
