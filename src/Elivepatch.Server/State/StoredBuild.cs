using Elivepatch.Engine.SelfCheck;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Server.State;

/// <summary>A build with all that is known of it.</summary>
public sealed record StoredBuild
{
    /// <summary>Digest of all that determines the result.</summary>
    public required string Id { get; init; }

    /// <summary>The kernel's id.</summary>
    public required string Kernel { get; init; }

    /// <summary>The kernel's release.</summary>
    public required string Release { get; init; }

    /// <summary>Digest of the <see cref="BuildSubmission"/> (JSON) in the blob store.</summary>
    public required string Submission { get; init; }

    /// <summary>
    /// Digest of the source archive in the blob store that it is made of; null where the operator's places have the source.
    /// </summary>
    public string? Source { get; init; }

    /// <summary>
    /// Digest of the boot image in the blob store that it is proven against and tested with; null where there is none.
    /// </summary>
    public string? BootImage { get; init; }

    /// <summary>The files of modules that it is made of, when it is submitted; later they are in its submission.</summary>
    public IReadOnlyList<ModuleFile> Modules { get; init; } = [];

    /// <summary>The patches to make live.</summary>
    public required IReadOnlyList<PatchReference> Patches { get; init; }

    /// <summary>The token that first asked for it.</summary>
    public required string Token { get; init; }

    /// <summary>The name of that token.</summary>
    public required string Requester { get; init; }

    /// <summary>Where it stands.</summary>
    public BuildState State { get; init; } = BuildState.Queued;

    /// <summary>When it was first requested.</summary>
    public required DateTimeOffset Submitted { get; init; }

    /// <summary>When a builder last started it.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? Finished { get; init; }

    /// <summary>
    /// When somebody last asked for it or fetched what it made, to the hour; null for never since it was queued.
    /// </summary>
    public DateTimeOffset? Used { get; init; }

    /// <summary>How often a builder started it.</summary>
    public int Attempts { get; init; }

    /// <summary>True where somebody wants it cancelled and it has not ended yet.</summary>
    public bool IsCancelling { get; init; }

    /// <summary>Who took it up last; null where nobody has.</summary>
    public string? Worker { get; init; }

    /// <summary>
    /// The set of rules that its module was checked with last (<see cref="ModuleRules.Version"/>); 0 for one that had no
    /// number.
    /// </summary>
    public int Checked { get; init; }

    /// <summary>Why it could not be told whether the module keeps those rules; null where it could.</summary>
    public string? Unchecked { get; init; }

    /// <summary>
    /// True where an equal request is not answered with this build but builds anew: it has no result that the rules of today
    /// have passed.
    /// </summary>
    public bool IsToBeBuiltAnew =>
        State is BuildState.Failed or BuildState.Cancelled or BuildState.Withdrawn
        || (State == BuildState.Succeeded && (Checked < ModuleRules.Version || Unchecked is not null));

    /// <summary>What came of it; null until it has ended.</summary>
    public BuildEnd? End { get; init; }

    /// <summary>By what its worker holds it.</summary>
    public BuildLease Lease => new(Id, Worker ?? "", Attempts);
}

/// <summary>What came of a build. Digests are of content in the blob store.</summary>
public sealed record BuildEnd
{
    /// <summary>A final state.</summary>
    public required BuildState State { get; init; }

    /// <summary>Why there is no livepatch.</summary>
    public IReadOnlyList<ProblemReport> Problems { get; init; } = [];

    /// <summary>Name of the module.</summary>
    public string? Module { get; init; }

    /// <summary>The module.</summary>
    public string? Artifact { get; init; }

    /// <summary>The module's size in bytes.</summary>
    public long ArtifactSize { get; init; }

    /// <summary>What is in the livepatch and why, as JSON.</summary>
    public string? Explanation { get; init; }

    /// <summary>Console output of the test's virtual machine.</summary>
    public string? Console { get; init; }

    /// <summary>The statement about the module, as JSON, not signed yet.</summary>
    public string? Statement { get; init; }

    /// <summary>True if it passed its test, null if there was none.</summary>
    public bool? Tested { get; init; }

    /// <summary>
    /// How its units are proven to be the code that runs: one of <see cref="Proofs"/>; null where there are none.
    /// </summary>
    public string? Proof { get; init; }

    /// <summary>The end of a build that a problem ended which is not the patch's.</summary>
    public static BuildEnd Failed(Problem problem) => new() { State = BuildState.Failed, Problems = ProblemReport.Of([problem]) };
}
