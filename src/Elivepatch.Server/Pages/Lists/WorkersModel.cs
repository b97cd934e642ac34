using Elivepatch.Protocol.Api;
using Elivepatch.Server.Builds;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Pages;

/// <summary>A worker as the page shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Capabilities">What it can build, <c>x86_64.gcc-12</c>.</param>
/// <param name="Kernels">Ids of the kernels that it has prepared.</param>
/// <param name="Builders">How many builds it runs at once.</param>
/// <param name="Running">Ids of the builds that it runs.</param>
/// <param name="Started">When it started; null where that is not known.</param>
/// <param name="LastSeen">When it was last heard of; null for this process.</param>
public sealed record WorkerView(
    string Name, string Version, IReadOnlyList<string> Capabilities, IReadOnlyList<string> Kernels, int Builders, IReadOnlyList<string> Running,
    DateTimeOffset? Started, DateTimeOffset? LastSeen);

/// <summary>The workers.</summary>
/// <param name="Workers">The workers.</param>
/// <param name="Builds">The builds that run, by id.</param>
/// <param name="Queued">How many builds wait.</param>
public sealed record WorkersModel(IReadOnlyList<WorkerView> Workers, IReadOnlyDictionary<string, BuildView> Builds, long Queued)
{
    private const int MostRunning = 500;

    /// <summary>Reads and shows it.</summary>
    internal static async Task<IResult> ShowAsync(BuildTable builds, DispatcherOptions dispatcher, CancellationToken cancellation)
    {
        var running = (await builds.SearchAsync(new() { State = BuildState.Running }, MostRunning, cancellation))
            .ToDictionary(b => b.Id, Api.BuildViews.Of, StringComparer.Ordinal);
        var counts = await builds.CountByStateAsync(cancellation);
        return new PageResult<WorkersPage, WorkersModel>(new(
            [new("this server", Api.HealthEndpoints.Version, [], [], dispatcher.Builders, [.. running.Keys], null, null)], running,
            counts.GetValueOrDefault(BuildState.Queued)));
    }
}
