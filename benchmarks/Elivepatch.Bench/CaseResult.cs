namespace Elivepatch.Bench;

/// <summary>What was measured of a case.</summary>
/// <param name="Name">The case.</param>
/// <param name="Patch">Its patch.</param>
/// <param name="Units">How many units it touches.</param>
/// <param name="Reference">Seconds of compiling each unit once, on all processors.</param>
/// <param name="Sequential">Seconds of compiling each unit once, one after the other; null where there are many.</param>
/// <param name="Cold">Builds with nothing of the units in the cache.</param>
/// <param name="Warm">Builds with all of the unpatched units in the cache.</param>
internal sealed record CaseResult(
    string Name,
    string Patch,
    int Units,
    Figures Reference,
    Figures? Sequential,
    StateResult Cold,
    StateResult Warm
)
{
    private const int MostInSequence = 30;

    /// <summary>
    /// Measures a case: reference, cold and warm build in turn, so that other load on the machine meets all of them.
    /// </summary>
    public static async Task<CaseResult> MeasureAsync(
        BenchCase subject,
        Reference reference,
        int runs,
        Func<ColdCache> newCache,
        Func<string, Task<BuildRun>> build,
        CancellationToken cancellation
    )
    {
        var (parallel, sequential) = (new List<double>(), new List<double>());
        var (cold, warm) = (new List<BuildRun>(), new List<BuildRun>());
        for (var run = 0; run < runs; run++)
        {
            parallel.Add((await reference.ParallelAsync(cancellation)).TotalSeconds);
            using var cache = newCache();
            cold.Add(await build(cache.FullPath));
            warm.Add(await build(cache.FullPath));
            if (reference.Units <= MostInSequence)
            {
                sequential.Add(
                    reference.Units == 1 ? parallel[^1] : (await reference.SequentialAsync(cancellation)).TotalSeconds
                );
            }
        }

        return new(
            subject.Name,
            subject.Patch,
            reference.Units,
            Figures.Of(parallel),
            sequential.Count > 0 ? Figures.Of(sequential) : null,
            StateResult.Of(cold, parallel, subject.ColdAim),
            StateResult.Of(warm, parallel, subject.WarmAim)
        );
    }
}
