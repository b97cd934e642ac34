using System.Text.Json.Serialization;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>What is known of toolchain roots as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(ToolchainFacts))]
internal sealed partial class ToolchainJson : JsonSerializerContext;
