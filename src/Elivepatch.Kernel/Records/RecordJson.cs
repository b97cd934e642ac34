using System.Text.Json.Serialization;

namespace Elivepatch.Kernel.Records;

/// <summary>How records are written as JSON.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    MaxDepth = 16,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip
)]
[JsonSerializable(typeof(KernelFacts))]
internal sealed partial class RecordJson : JsonSerializerContext;
