using System.Text.Json.Serialization;
using Elivepatch.Machine;
using Elivepatch.Machine.Service;

namespace Elivepatch.Client.Output;

/// <summary>All that the command writes as JSON. Made at build time: reflection would cost every run its time.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true
)]
[JsonSerializable(typeof(CaptureReport))]
[JsonSerializable(typeof(PatchResult))]
[JsonSerializable(typeof(StatusReport))]
[JsonSerializable(typeof(CheckReport))]
[JsonSerializable(typeof(DisableReport))]
[JsonSerializable(typeof(EnableReport))]
[JsonSerializable(typeof(TrustReport))]
[JsonSerializable(typeof(ForgetReport))]
[JsonSerializable(typeof(PersistReport))]
[JsonSerializable(typeof(LoadPersistedReport))]
[JsonSerializable(typeof(VerifyReport))]
[JsonSerializable(typeof(string))]
internal sealed partial class ClientJson : JsonSerializerContext;
