using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Machine.Service;

/// <summary>What came of <c>elivepatch patch</c>.</summary>
/// <param name="State"><c>live</c>, <c>already live</c> or <c>written</c>.</param>
/// <param name="Module">Name of the module.</param>
/// <param name="Release">The kernel's release.</param>
/// <param name="BuildId">Its build-id.</param>
/// <param name="Patches">The patches in it, in order.</param>
/// <param name="Server">The server that built it.</param>
/// <param name="Build">The build's id there; null where none was needed.</param>
/// <param name="Tested">True where it passed its test in a virtual machine; null where there was none.</param>
/// <param name="Replaced">Livepatches that it replaced.</param>
/// <param name="TransitionSeconds">How long its transition took; null where there was none.</param>
/// <param name="File">Where the module was written instead of loading it.</param>
/// <param name="Manifest">Where its manifest was written.</param>
/// <param name="Boot"><c>off</c>, <c>on</c> or <c>suspended</c>: whether it is loaded again at boot.</param>
public sealed record PatchResult(
    string State,
    string Module,
    string Release,
    string BuildId,
    IReadOnlyList<PatchReference> Patches,
    string? Server,
    string? Build,
    bool? Tested,
    IReadOnlyList<string> Replaced,
    double? TransitionSeconds,
    string? File,
    string? Manifest,
    string Boot
)
{
    /// <summary>Livepatches that were live when the command began and that the server had withdrawn.</summary>
    public IReadOnlyList<KnownWithdrawal> Withdrawn { get; init; } = [];
}
