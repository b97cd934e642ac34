using System.Text.Json.Serialization;
using Elivepatch.Client.Machine;
using Elivepatch.Client.Service;
using Elivepatch.Protocol;

namespace Elivepatch.Client.Output;

/// <summary>All that the command writes as JSON. Made at build time: reflection would cost every run its time.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(IReadOnlyList<ProblemReport>))]
[JsonSerializable(typeof(DiffReport))]
[JsonSerializable(typeof(KernelReport))]
[JsonSerializable(typeof(IReadOnlyList<KernelReport>))]
[JsonSerializable(typeof(TrialOutcome))]
[JsonSerializable(typeof(BuildReport))]
[JsonSerializable(typeof(CaptureReport))]
[JsonSerializable(typeof(InspectReport))]
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
