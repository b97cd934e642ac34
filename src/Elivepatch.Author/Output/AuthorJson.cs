using System.Text.Json.Serialization;

namespace Elivepatch.Author.Output;

/// <summary>All that the verbs write as JSON. Made at build time: reflection would cost every run its time.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true
)]
[JsonSerializable(typeof(DiffReport))]
[JsonSerializable(typeof(KernelReport))]
[JsonSerializable(typeof(IReadOnlyList<KernelReport>))]
[JsonSerializable(typeof(ToolchainReport))]
[JsonSerializable(typeof(IReadOnlyList<ToolchainReport>))]
[JsonSerializable(typeof(TrialOutcome))]
[JsonSerializable(typeof(BuildReport))]
[JsonSerializable(typeof(InspectReport))]
[JsonSerializable(typeof(string))]
internal sealed partial class AuthorJson : JsonSerializerContext;
