using System.Text.Json.Serialization;

namespace Elivepatch.Protocol.Captures;

/// <summary>How the facts of a capture are written as JSON.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    MaxDepth = 16,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip
)]
[JsonSerializable(typeof(CaptureFacts))]
internal sealed partial class CaptureJson : JsonSerializerContext;
