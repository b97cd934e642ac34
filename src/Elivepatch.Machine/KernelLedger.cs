using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Machine;

/// <summary>What the machine remembers about one kernel: <c>kernels/BUILD-ID/ledger.json</c>.</summary>
public sealed record KernelLedger
{
    /// <summary>The format that is written today.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The format that this file was written in.</summary>
    public int Format { get; set; } = CurrentFormat;

    /// <summary>The kernel's release.</summary>
    public required string Release { get; init; }

    /// <summary>Its build-id, hexadecimal.</summary>
    public required string BuildId { get; init; }

    /// <summary>When the newest manifest was issued that was accepted: an older one is a replay.</summary>
    public DateTimeOffset? NewestAccepted { get; init; }

    /// <summary>The livepatches that were accepted and may be live, newest last.</summary>
    public IReadOnlyList<OwnLivepatch> Livepatches { get; set; } = [];

    /// <summary>SHA-256 of the livepatch that is to be live: it was, and nobody disabled it. Null for none.</summary>
    public string? Wanted { get; init; }

    /// <summary>The boot in which it last was live.</summary>
    public string? WantedBoot { get; init; }

    /// <summary>The livepatch that is to be live.</summary>
    public OwnLivepatch? WantedLivepatch => Livepatches.FirstOrDefault(l => l.Sha256 == Wanted);

    /// <summary>
    /// The one of ours that is live or goes live, by what the kernel shows: a killed command may have loaded one and not lived
    /// to say so. The newest counts: during its transition the one that it replaces is there as well.
    /// </summary>
    public OwnLivepatch? FindLive(IReadOnlyList<LoadedLivepatch> loaded) =>
        Livepatches.LastOrDefault(l => loaded.Any(n => n.Name == l.Module && n.IsEnabled));

    /// <summary>
    /// The patches that a new livepatch has to carry: those that are live, or that were when the machine went down. What somebody
    /// disabled in this boot is not carried.
    /// </summary>
    public IReadOnlyList<PatchReference> FindCarriedPatches(IReadOnlyList<LoadedLivepatch> loaded, string boot) =>
        CarriedLivepatch(loaded, boot)?.Patches ?? [];

    /// <summary>What the authors of the carried patches stated.</summary>
    public IReadOnlyList<AuthorStatement> FindCarriedStatements(IReadOnlyList<LoadedLivepatch> loaded, string boot) =>
        CarriedLivepatch(loaded, boot)?.Statements ?? [];

    private OwnLivepatch? CarriedLivepatch(IReadOnlyList<LoadedLivepatch> loaded, string boot) =>
        FindLive(loaded) ?? (WantedBoot == boot ? null : WantedLivepatch);
}
