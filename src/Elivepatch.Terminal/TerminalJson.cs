using System.Text.Json.Serialization;
using Elivepatch.Protocol;

namespace Elivepatch.Terminal;

/// <summary>What every verb may write as JSON. Made at build time: reflection would cost every run its time.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true
)]
[JsonSerializable(typeof(IReadOnlyList<ProblemReport>))]
internal sealed partial class TerminalJson : JsonSerializerContext;
