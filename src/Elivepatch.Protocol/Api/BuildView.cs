using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Elivepatch.Model.Explanations;

namespace Elivepatch.Protocol.Api;

/// <summary>Where a build stands.</summary>
public enum BuildState
{
    /// <summary>It waits for its turn.</summary>
    [JsonStringEnumMemberName("queued")]
    Queued,

    /// <summary>It runs.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>There is a livepatch.</summary>
    [JsonStringEnumMemberName("succeeded")]
    Succeeded,

    /// <summary>There can be no livepatch: the patch, the kernel or the test says why.</summary>
    [JsonStringEnumMemberName("refused")]
    Refused,

    /// <summary>The builder failed. Asking again may help.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>Somebody cancelled it.</summary>
    [JsonStringEnumMemberName("cancelled")]
    Cancelled,

    /// <summary>
    /// There was a livepatch, and by newer rules it is not safe. It is not given out any more; asking again builds it anew.
    /// </summary>
    [JsonStringEnumMemberName("withdrawn")]
    Withdrawn,
}

/// <summary>A build as the server knows it.</summary>
public sealed record BuildView
{
    /// <summary>Digest of all that determines the result, hexadecimal.</summary>
    public required string Id { get; init; }

    /// <summary>Where it stands.</summary>
    public required BuildState State { get; init; }

    /// <summary>The kernel's id.</summary>
    public required string Kernel { get; init; }

    /// <summary>The kernel's release.</summary>
    public required string Release { get; init; }

    /// <summary>The patches to make live, in order.</summary>
    public required IReadOnlyList<PatchReference> Patches { get; init; }

    /// <summary>The name of the token that first asked for it.</summary>
    public required string Requester { get; init; }

    /// <summary>When it was first asked for.</summary>
    public required DateTimeOffset Submitted { get; init; }

    /// <summary>When a builder last took it up.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? Finished { get; init; }

    /// <summary>How often a builder took it up.</summary>
    public int Attempts { get; init; }

    /// <summary>Name of the module, once there is one.</summary>
    public string? Module { get; init; }

    /// <summary>The module's size and digest, once there is one.</summary>
    public ArtifactReference? Artifact { get; init; }

    /// <summary>
    /// True where it passed its test in a virtual machine, false where it failed it; null where there was none.
    /// </summary>
    public bool? Tested { get; init; }

    /// <summary>
    /// How it is proven that the livepatch fits the kernel that runs: <c>bytes</c> where the code of all its units was compared
    /// byte by byte, <c>layout</c> where that of one or more was not; null where there is no livepatch, or nobody knows.
    /// </summary>
    public string? Proof { get; init; }

    /// <summary>Why there is no livepatch, or why it was withdrawn.</summary>
    public IReadOnlyList<ProblemReport> Problems { get; set; } = [];

    /// <summary>True where nothing will change any more.</summary>
    public bool IsFinal => State is not (BuildState.Queued or BuildState.Running);
}

/// <summary>How it is proven that what was compiled is the code that runs.</summary>
public static class Proofs
{
    /// <summary>The code was compared byte by byte with the kernel's image.</summary>
    public const string Bytes = "bytes";

    /// <summary>The symbols and their layout were compared: there was no image.</summary>
    public const string Layout = "layout";

    /// <summary>What holds for all of the units; null where there are none.</summary>
    public static string? Weakest(IReadOnlyList<ExplainedUnit> units) =>
        units.Count == 0 ? null : units.All(u => u.Proof == Bytes) ? Bytes : Layout;
}

/// <summary>A patch by name and digest.</summary>
/// <param name="Name">Name of its file.</param>
/// <param name="Sha256">SHA-256 of its content, hexadecimal.</param>
public sealed record PatchReference(string Name, string Sha256)
{
    /// <summary>What refers to these patches, in their order.</summary>
    public static IReadOnlyList<PatchReference> To(IReadOnlyList<PatchFile> patches) =>
        [.. patches.Select(p => new PatchReference(p.Name, Convert.ToHexStringLower(SHA256.HashData(p.Content))))];
}

/// <summary>A module by size and digest.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">SHA-256 of its content, hexadecimal.</param>
public sealed record ArtifactReference(long Size, string Sha256);

/// <summary>A page of builds, newest first.</summary>
/// <param name="Builds">The builds.</param>
/// <param name="Next">What to give as <c>after</c> for the next page; null at the end.</param>
public sealed record BuildPage(IReadOnlyList<BuildView> Builds, string? Next);
