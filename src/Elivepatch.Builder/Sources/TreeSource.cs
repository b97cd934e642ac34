// In: a release. Out: the folder or archive that the operator keeps for it.

using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Builder.Sources;

/// <summary>Source trees on this machine.</summary>
internal sealed class TreeSource(SourceEntry entry) : IKernelSource
{
    /// <inheritdoc/>
    public string Name => $"the tree {entry.Location}";

    /// <inheritdoc/>
    public bool HasBootImage => false;

    /// <inheritdoc/>
    public Task<string?> FindProblemAsync(SourceRequest request, CancellationToken cancellation) =>
        Task.FromResult(Find(request) is null ? "it is not there" : null);

    /// <inheritdoc/>
    public Task<Outcome<ProvidedSource>> ProvideAsync(
        SourceRequest request,
        IProgress<StageEvent>? progress,
        CancellationToken cancellation
    ) =>
        Task.FromResult<Outcome<ProvidedSource>>(
            Find(request) is { } path
                ? new ProvidedSource(null, path)
                : new Problem(BuilderProblems.SourceNotProvided, $"{Name} is not there")
        );

    private string? Find(SourceRequest request)
    {
        var version = KernelVersion.Of(request.Release);
        if (version is null && Placeholders.NeedVersion(entry.Location))
        {
            return null;
        }

        var path = Placeholders.Fill(entry.Location, request.Release, version);
        return Path.Exists(path) ? path : null;
    }
}
