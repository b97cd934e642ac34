namespace Elivepatch.Bench;

/// <summary>What was measured of the builds of a case in one state of the cache.</summary>
/// <param name="Seconds">The whole process.</param>
/// <param name="Ratio">The same over the reference of the same run.</param>
/// <param name="Aim">What the ratio is to be at most, or null.</param>
/// <param name="Stages">Median seconds of each stage, in order; "start and end" is what the process takes around them.</param>
internal sealed record StateResult(Figures Seconds, Figures Ratio, double? Aim, IReadOnlyList<StageSeconds> Stages)
{
    /// <summary>Sums runs up.</summary>
    public static StateResult Of(IReadOnlyList<BuildRun> runs, IReadOnlyList<double> references, double? aim)
    {
        var stages = runs[0]
            .Stages.Select((s, i) => new StageSeconds(s.Stage, Figures.Of(runs.Select(r => r.Stages[i].Seconds)).Median))
            .ToList();
        var around = Figures.Of(runs.Select(r => r.Seconds - r.Stages.Sum(s => s.Seconds)));
        return new(
            Figures.Of(runs.Select(r => r.Seconds)),
            Figures.Of(runs.Zip(references, (r, reference) => r.Seconds / reference)),
            aim,
            [.. stages, new("start and end", around.Median)]
        );
    }
}
