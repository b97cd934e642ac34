using System.Text.Json.Serialization;

namespace Elivepatch.Kernel.Records;

/// <summary>How records and captures are written as JSON.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    MaxDepth = 16,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip)]
[JsonSerializable(typeof(KernelFacts))]
[JsonSerializable(typeof(CaptureFacts))]
internal sealed partial class RecordJson : JsonSerializerContext;
