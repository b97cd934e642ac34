using System.Text.Json.Serialization;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Machine;

/// <summary>A livepatch that this command accepted for the machine's kernel.</summary>
public sealed record OwnLivepatch
{
    /// <summary>Name of the module.</summary>
    public required string Module { get; init; }

    /// <summary>SHA-256 of the module, hexadecimal: its file's name too.</summary>
    public required string Sha256 { get; init; }

    /// <summary>The patches that it makes live, in order.</summary>
    public required IReadOnlyList<PatchReference> Patches { get; init; }

    /// <summary>
    /// What the authors of its patches state, in order; null for nothing. It is not written then, so that an earlier version
    /// reads the file.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AuthorStatement>? Statements { get; init; }

    /// <summary>The server that built it.</summary>
    public required string Server { get; init; }

    /// <summary>The key that its manifest was checked with, PEM: a later check is with the same one.</summary>
    public required string PublicKey { get; init; }

    /// <summary>
    /// Why its module stays in memory after it was disabled, in words; empty where it can be unloaded, and in what older versions
    /// wrote.
    /// </summary>
    public IReadOnlyList<string> KeptInMemory
    {
        get => field ?? [];
        init;
    }

    /// <summary>When it was accepted.</summary>
    public required DateTimeOffset Accepted { get; init; }
}
