using System.Text.Json.Serialization;
using Elivepatch.Model.Explanations;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Protocol.Api;

/// <summary>The state of a build.</summary>
public enum BuildState
{
    /// <summary>The build waits for its turn.</summary>
    [JsonStringEnumMemberName("queued")]
    Queued,

    /// <summary>The build is running.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>The build has produced a livepatch.</summary>
    [JsonStringEnumMemberName("succeeded")]
    Succeeded,

    /// <summary>No livepatch is possible, because of the patch, the kernel or a failed test.</summary>
    [JsonStringEnumMemberName("refused")]
    Refused,

    /// <summary>The builder failed. Trying again may help.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>The build was cancelled.</summary>
    [JsonStringEnumMemberName("cancelled")]
    Cancelled,

    /// <summary>
    /// The livepatch is not safe by newer rules. It is no longer given out; an equal request rebuilds it.
    /// </summary>
    [JsonStringEnumMemberName("withdrawn")]
    Withdrawn,
}

/// <summary>A build as the server knows it.</summary>
public sealed record BuildView
{
    /// <summary>Digest of everything that determines the result, hexadecimal.</summary>
    public required string Id { get; init; }

    /// <summary>Its state.</summary>
    public required BuildState State { get; init; }

    /// <summary>The kernel's ID.</summary>
    public required string Kernel { get; init; }

    /// <summary>The kernel's release.</summary>
    public required string Release { get; init; }

    /// <summary>The patches to make live, in order.</summary>
    public required IReadOnlyList<PatchReference> Patches { get; init; }

    /// <summary>The name of the token that first requested it.</summary>
    public required string Requester { get; init; }

    /// <summary>When it was first requested.</summary>
    public required DateTimeOffset Submitted { get; init; }

    /// <summary>When a builder last started it.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? Finished { get; init; }

    /// <summary>How often a builder started it.</summary>
    public int Attempts { get; init; }

    /// <summary>Name of the module, once there is one.</summary>
    public string? Module { get; init; }

    /// <summary>The module's size and digest, once there is one.</summary>
    public ArtifactReference? Artifact { get; init; }

    /// <summary>
    /// True if it passed its test in a virtual machine, false if it failed; null if there was no test.
    /// </summary>
    public bool? Tested { get; init; }

    /// <summary>
    /// How the livepatch was verified to match the running kernel: <c>bytes</c> if the code of all its units was compared
    /// byte by byte, <c>layout</c> if that of one or more was not; null if there is no livepatch, or this is unknown.
    /// </summary>
    public string? Proof { get; init; }

    /// <summary>Why there is no livepatch, or why it was withdrawn.</summary>
    public IReadOnlyList<ProblemReport> Problems { get; set; } = [];

    /// <summary>True if the state is final.</summary>
    public bool IsFinal => State is not (BuildState.Queued or BuildState.Running);
}

/// <summary>Ways in which compiled code was verified to be the code that runs.</summary>
public static class Proofs
{
    /// <summary>The code was compared byte by byte with the kernel's image.</summary>
    public const string Bytes = "bytes";

    /// <summary>Only the symbols and their layout were compared, because there was no image.</summary>
    public const string Layout = "layout";

    /// <summary>The level reached by all of the units; null if there are none.</summary>
    public static string? Weakest(IReadOnlyList<ExplainedUnit> units) =>
        units.Count == 0 ? null
        : units.All(u => u.Proof == Bytes) ? Bytes
        : Layout;
}

/// <summary>A module, by size and digest.</summary>
/// <param name="Size">Size in bytes.</param>
/// <param name="Sha256">SHA-256 of its content, hexadecimal.</param>
public sealed record ArtifactReference(long Size, string Sha256);

/// <summary>A page of builds, newest first.</summary>
/// <param name="Builds">The builds.</param>
/// <param name="Next">Value of <c>after</c> for the next page; null on the last page.</param>
public sealed record BuildPage(IReadOnlyList<BuildView> Builds, string? Next);
