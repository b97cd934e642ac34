using Elivepatch.Protocol;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Server.State;

/// <summary>A module that had been published and breaks a rule.</summary>
public sealed record StoredWithdrawal
{
    /// <summary>SHA-256 of the module, hexadecimal.</summary>
    public required string Artifact { get; init; }

    /// <summary>Counts up with every withdrawal of the server.</summary>
    public long Number { get; init; }

    /// <summary>The build that made it; it may have been removed since, or have made another module.</summary>
    public required string Build { get; init; }

    /// <summary>The kernel's release.</summary>
    public required string Release { get; init; }

    /// <summary>The kernel's build-id, hexadecimal.</summary>
    public required string BuildId { get; init; }

    /// <summary>Name of the module.</summary>
    public required string Module { get; init; }

    /// <summary>The patches that it makes live.</summary>
    public required IReadOnlyList<PatchReference> Patches { get; init; }

    /// <summary>The rules that it breaks.</summary>
    public required IReadOnlyList<ProblemReport> Problems { get; init; }

    /// <summary>The set of rules that found it.</summary>
    public required int Rules { get; init; }

    /// <summary>When it was withdrawn.</summary>
    public DateTimeOffset Withdrawn { get; init; }
}
