using System.Text.Json.Serialization;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Commands;

/// <summary>JSON that the server's own command line writes and that travels nowhere.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(IReadOnlyList<AuditEntry>))]
[JsonSerializable(typeof(ArtifactAuditReport))]
internal sealed partial class ServerJson : JsonSerializerContext;
