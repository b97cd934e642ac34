using System.Text.Json.Serialization;

namespace Elivepatch.Protocol.Manifests;

/// <summary>
/// Envelopes and what is signed in them, as JSON. Members that a version does not know are skipped, so that the other end may be
/// newer.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    MaxDepth = 24,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip
)]
[JsonSerializable(typeof(Envelope))]
[JsonSerializable(typeof(Statement))]
[JsonSerializable(typeof(KeyEndorsement))]
[JsonSerializable(typeof(WithdrawalNotice))]
public sealed partial class ManifestJson : JsonSerializerContext;
