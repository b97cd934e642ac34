using System.Text.Json.Serialization;
using Elivepatch.Model.Explanations;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Protocol.Manifests;

/// <summary>
/// What a server says of one artifact: an in-toto statement (version 1) whose predicate is SLSA provenance (version 1).
/// </summary>
public sealed record Statement
{
    /// <summary>The payload's media type in its envelope.</summary>
    public const string PayloadType = "application/vnd.in-toto+json";

    /// <summary>The one type of statement.</summary>
    public const string StatementType = "https://in-toto.io/Statement/v1";

    /// <summary>The one type of predicate.</summary>
    public const string ProvenanceType = "https://slsa.dev/provenance/v1";

    /// <summary>Always <see cref="StatementType"/>.</summary>
    [JsonPropertyName("_type")]
    public required string Type { get; init; }

    /// <summary>The module: one subject.</summary>
    public required IReadOnlyList<StatementSubject> Subject { get; init; }

    /// <summary>Always <see cref="ProvenanceType"/>.</summary>
    public required string PredicateType { get; init; }

    /// <summary>What it was made of and how.</summary>
    public required Provenance Predicate { get; init; }
}

/// <summary>What a statement is about.</summary>
/// <param name="Name">Name of the file.</param>
/// <param name="Digest">Its digest.</param>
public sealed record StatementSubject(string Name, Sha256Digest Digest);

/// <summary>A digest as in-toto writes it.</summary>
/// <param name="Sha256">Hexadecimal.</param>
public sealed record Sha256Digest(string Sha256);

/// <summary>What an artifact was made of and how (SLSA provenance, version 1).</summary>
/// <param name="BuildDefinition">What determines it.</param>
/// <param name="RunDetails">How this run went.</param>
/// <param name="Validity">An extension: when the statement was issued and when it ends.</param>
public sealed record Provenance(
    BuildDefinition BuildDefinition, RunDetails RunDetails, [property: JsonPropertyName("elivepatch_validity")] Validity Validity);

/// <summary>From when to when a statement may be believed. A client that has seen a later one refuses an earlier one.</summary>
/// <param name="IssuedOn">When the server signed it.</param>
/// <param name="ExpiresOn">When a client no longer takes it.</param>
public sealed record Validity(DateTimeOffset IssuedOn, DateTimeOffset ExpiresOn);

/// <summary>What determines an artifact.</summary>
public sealed record BuildDefinition
{
    /// <summary>How to read the parameters.</summary>
    public const string LivepatchType = "urn:elivepatch:build:livepatch:v1";

    /// <summary>Always <see cref="LivepatchType"/>.</summary>
    public required string BuildType { get; init; }

    /// <summary>What the client asked for.</summary>
    public required ExternalParameters ExternalParameters { get; init; }

    /// <summary>What the builder added.</summary>
    public required InternalParameters InternalParameters { get; init; }

    /// <summary>Files that went in: source, configuration.</summary>
    public IReadOnlyList<ResourceDescriptor> ResolvedDependencies { get; set; } = [];
}

/// <summary>A file that went into a build.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Digest">Its digest.</param>
public sealed record ResourceDescriptor(string Name, Sha256Digest Digest);

/// <summary>What the client asked for.</summary>
/// <param name="Release">The kernel's release.</param>
/// <param name="BuildId">The kernel's build-id, hexadecimal: the one kernel that the module is for.</param>
/// <param name="Patches">The patches made live, in order.</param>
/// <param name="BasePatches">The patches that the kernel was built with, in order.</param>
/// <param name="Module">Name of the module.</param>
/// <param name="Replace">True where it replaces all other livepatches.</param>
public sealed record ExternalParameters(
    string Release, string BuildId, IReadOnlyList<PatchReference> Patches, IReadOnlyList<PatchReference> BasePatches, string Module,
    bool Replace)
{
    /// <summary>What the author of the patches states, in order: without it there would be no livepatch, or another one.</summary>
    public IReadOnlyList<AuthorStatement> Statements { get => field ?? []; init; } = [];
}

/// <summary>What the builder added.</summary>
/// <param name="Engine">Version of the engine.</param>
/// <param name="Compiler">The compiler, as in <c>CONFIG_CC_VERSION_TEXT</c>.</param>
/// <param name="Units">The translation units with the level of their fidelity proof.</param>
/// <param name="Test">What the test in a virtual machine saw; null where there was none.</param>
public sealed record InternalParameters(string Engine, string Compiler, IReadOnlyList<ExplainedUnit> Units, TestSummary? Test)
{
    /// <summary>
    /// The addresses of the module that the kernel may keep: with any, it can be disabled and replaced, and not unloaded. Empty in what
    /// older servers wrote.
    /// </summary>
    public IReadOnlyList<ExplainedEscape> KeptInMemory { get => field ?? []; init; }
}

/// <summary>What a test in a virtual machine saw.</summary>
/// <param name="Passed">True where nothing was wrong.</param>
/// <param name="Phases">What was done, in order: <c>before</c>, <c>load</c>, <c>transition</c> and so on.</param>
/// <param name="TransitionSeconds">How long the transition took, in seconds of the guest's clock.</param>
/// <param name="Script">Digest of the requester's script; null where there was none.</param>
public sealed record TestSummary(bool Passed, IReadOnlyList<string> Phases, double TransitionSeconds, Sha256Digest? Script);

/// <summary>How a run went.</summary>
/// <param name="Builder">Who ran it.</param>
/// <param name="Metadata">Which run it was.</param>
public sealed record RunDetails(BuilderIdentity Builder, RunMetadata Metadata);

/// <summary>Who ran a build.</summary>
/// <param name="Id">Names the server by its key: <c>urn:elivepatch:server:KEY-ID</c>.</param>
/// <param name="Version">Version of each part.</param>
public sealed record BuilderIdentity(string Id, IReadOnlyDictionary<string, string> Version);

/// <summary>Which run it was.</summary>
/// <param name="InvocationId">The build's id.</param>
/// <param name="StartedOn">When it began.</param>
/// <param name="FinishedOn">When it ended.</param>
public sealed record RunMetadata(string InvocationId, DateTimeOffset StartedOn, DateTimeOffset FinishedOn);
