using System.Text.Json.Serialization;
using Elivepatch.Model.Explanations;
using Elivepatch.Model.Statements;

namespace Elivepatch.Protocol.Manifests;

/// <summary>
/// A server's statement about one artifact: an in-toto statement (version 1) whose predicate is SLSA provenance (version 1).
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

    /// <summary>How the artifact was produced, and from what.</summary>
    public required Provenance Predicate { get; init; }
}

/// <summary>The subject of a statement.</summary>
/// <param name="Name">Name of the file.</param>
/// <param name="Digest">Its digest.</param>
public sealed record StatementSubject(string Name, Sha256Digest Digest);

/// <summary>A digest in the form of in-toto.</summary>
/// <param name="Sha256">Hexadecimal.</param>
public sealed record Sha256Digest(string Sha256);

/// <summary>How an artifact was produced, and from what (SLSA provenance, version 1).</summary>
/// <param name="BuildDefinition">The inputs that determine it.</param>
/// <param name="RunDetails">The run that produced it.</param>
/// <param name="Validity">An extension: when the statement was issued and when it expires.</param>
public sealed record Provenance(
    BuildDefinition BuildDefinition,
    RunDetails RunDetails,
    [property: JsonPropertyName("elivepatch_validity")] Validity Validity
);

/// <summary>The validity of a statement. A client that has accepted a later one refuses an earlier one.</summary>
/// <param name="IssuedOn">When the server signed it.</param>
/// <param name="ExpiresOn">When it expires.</param>
public sealed record Validity(DateTimeOffset IssuedOn, DateTimeOffset ExpiresOn);

/// <summary>The inputs that determine an artifact.</summary>
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

    /// <summary>The input files: source, configuration.</summary>
    public IReadOnlyList<ResourceDescriptor> ResolvedDependencies { get; set; } = [];
}

/// <summary>An input file of a build.</summary>
/// <param name="Name">What the file is.</param>
/// <param name="Digest">Its digest.</param>
public sealed record ResourceDescriptor(string Name, Sha256Digest Digest);

/// <summary>What the client asked for.</summary>
/// <param name="Release">The kernel's release.</param>
/// <param name="BuildId">The kernel's build-id, hexadecimal: the one kernel that the module is for.</param>
/// <param name="Patches">The patches made live, in order.</param>
/// <param name="BasePatches">The patches that the kernel was built with, in order.</param>
/// <param name="Module">Name of the module.</param>
/// <param name="Replace">True if it replaces all other livepatches.</param>
public sealed record ExternalParameters(
    string Release,
    string BuildId,
    IReadOnlyList<PatchReference> Patches,
    IReadOnlyList<PatchReference> BasePatches,
    string Module,
    bool Replace
)
{
    /// <summary>The author's statements on which the livepatch depends, in order.</summary>
    public IReadOnlyList<AuthorStatement> Statements
    {
        get => field ?? [];
        init;
    } = [];
}

/// <summary>What the builder added.</summary>
/// <param name="Engine">Version of the engine.</param>
/// <param name="Compiler">The compiler, as in <c>CONFIG_CC_VERSION_TEXT</c>.</param>
/// <param name="Units">The translation units with the level of their verification.</param>
/// <param name="Test">The result of the test in a virtual machine; null if there was none.</param>
public sealed record InternalParameters(string Engine, string Compiler, IReadOnlyList<ExplainedUnit> Units, TestSummary? Test)
{
    /// <summary>The objects of the kernel that it patches; empty if written by an older server.</summary>
    public IReadOnlyList<ExplainedObject> Objects
    {
        get => field ?? [];
        init;
    }

    /// <summary>
    /// The addresses of the module that the kernel may keep: if there are any, it can be disabled and replaced, but not unloaded.
    /// Empty if written by an older server.
    /// </summary>
    public IReadOnlyList<ExplainedEscape> KeptInMemory
    {
        get => field ?? [];
        init;
    }
}

/// <summary>The result of a test in a virtual machine.</summary>
/// <param name="Passed">True if the test passed.</param>
/// <param name="Phases">The phases of the test, in order: <c>before</c>, <c>load</c>, <c>transition</c> and so on.</param>
/// <param name="TransitionSeconds">How long the transition took, in seconds of the guest's clock.</param>
/// <param name="Script">Digest of the requester's script; null if there was none.</param>
public sealed record TestSummary(bool Passed, IReadOnlyList<string> Phases, double TransitionSeconds, Sha256Digest? Script)
{
    /// <summary>
    /// The patched modules that the virtual machine could not load, each with the reason (<c>MODULE: REASON</c>): the test says
    /// nothing about them. Empty if written by an older server.
    /// </summary>
    public IReadOnlyList<string> Untested
    {
        get => field ?? [];
        init;
    }
}

/// <summary>The run of a build.</summary>
/// <param name="Builder">The server that ran it.</param>
/// <param name="Metadata">Identification of the run.</param>
public sealed record RunDetails(BuilderIdentity Builder, RunMetadata Metadata);

/// <summary>The server that ran a build.</summary>
/// <param name="Id">Identifies the server by its key: <c>urn:elivepatch:server:KEY-ID</c>.</param>
/// <param name="Version">Version of each part.</param>
public sealed record BuilderIdentity(string Id, IReadOnlyDictionary<string, string> Version);

/// <summary>Identification of a run.</summary>
/// <param name="InvocationId">The build's ID.</param>
/// <param name="StartedOn">When it began.</param>
/// <param name="FinishedOn">When it ended.</param>
public sealed record RunMetadata(string InvocationId, DateTimeOffset StartedOn, DateTimeOffset FinishedOn);
