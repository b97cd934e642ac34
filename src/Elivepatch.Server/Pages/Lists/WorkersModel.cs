using Elivepatch.Protocol.Api;
using Elivepatch.Server.Builds;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Pages;

/// <summary>The workers.</summary>
/// <param name="Workers">
/// The workers that were heard of in the last day; none where builds run in the server's own process.
/// </param>
/// <param name="OwnBuilders">How many builds the server's own process runs at once.</param>
/// <param name="Builds">The builds that run, by id.</param>
/// <param name="Queued">How many builds wait.</param>
public sealed record WorkersModel(
    IReadOnlyList<WorkerView> Workers,
    int OwnBuilders,
    IReadOnlyDictionary<string, BuildView> Builds,
    long Queued
)
{
    private const int MostRunning = 500;

    // A worker says that it is there every few seconds.
    private static readonly TimeSpan longestSilence = TimeSpan.FromMinutes(1);

    /// <summary>True where a worker should have been heard of by now.</summary>
    internal static bool IsSilent(WorkerView worker, DateTimeOffset now) => now - worker.LastSeen > longestSilence;

    /// <summary>Reads and shows it.</summary>
    internal static async Task<IResult> ShowAsync(
        BuildTable builds,
        WorkerTable workers,
        DispatcherOptions dispatcher,
        CancellationToken cancellation
    )
    {
        var running = (await builds.SearchAsync(new() { State = BuildState.Running }, MostRunning, cancellation)).ToDictionary(
            b => b.Id,
            BuildViews.Of,
            StringComparer.Ordinal
        );
        var counts = await builds.CountByStateAsync(cancellation);
        return new PageResult<WorkersPage, WorkersModel>(
            new(
                [.. (await workers.ListAsync(WorkerTable.Remembered, cancellation)).OrderBy(w => w.Name, StringComparer.Ordinal)],
                dispatcher.Builders,
                running,
                counts.GetValueOrDefault(BuildState.Queued)
            )
        );
    }
}
