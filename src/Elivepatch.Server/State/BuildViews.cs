using Elivepatch.Model;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

/// <summary>Builds as clients see them.</summary>
internal static class BuildViews
{
    /// <summary>The build as clients see it.</summary>
    public static BuildView Of(StoredBuild build) =>
        new()
        {
            Id = build.Id,
            State = build.State,
            Kernel = build.Kernel,
            Release = build.Release,
            Patches = build.Patches,
            Requester = build.Requester,
            Submitted = build.Submitted,
            Started = build.Started,
            Finished = build.Finished,
            Attempts = build.Attempts,
            Module = build.End?.Module,
            Artifact = build.End is { Artifact: { } digest, ArtifactSize: var size } ? new(size, digest) : null,
            Tested = build.End?.Tested,
            Proof = build.End?.Proof,
            Problems = build.End?.Problems ?? [],
        };

    /// <summary>A state as it travels.</summary>
    public static string Word(BuildState state) => state.ToString().ToLowerInvariant();

    /// <summary>What is wrong where somebody asks for a build that is not there.</summary>
    public static Problem Unknown(string build) =>
        new(ServerProblems.BuildUnknown, $"the server knows no build {(build.Length > 64 ? build[..64] + "..." : build)}");
}
