using System.Text.Json.Serialization;
using Elivepatch.Model.Explanations;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Protocol.Api;

/// <summary>
/// All that travels as JSON, except for what is signed (<see cref="ManifestJson"/>). Members that a version does not know are
/// skipped, so that the other end may be newer.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    MaxDepth = 24,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip
)]
[JsonSerializable(typeof(KernelView))]
[JsonSerializable(typeof(IReadOnlyList<KernelView>))]
[JsonSerializable(typeof(BuildSubmission))]
[JsonSerializable(typeof(BuildView))]
[JsonSerializable(typeof(BuildPage))]
[JsonSerializable(typeof(BuildEvent))]
[JsonSerializable(typeof(IReadOnlyList<BuildEvent>))]
[JsonSerializable(typeof(WorkerReport))]
[JsonSerializable(typeof(WorkerOrders))]
[JsonSerializable(typeof(WorkerView))]
[JsonSerializable(typeof(IReadOnlyList<WorkerView>))]
[JsonSerializable(typeof(WorkBegin))]
[JsonSerializable(typeof(WorkOrder))]
[JsonSerializable(typeof(WorkResult))]
[JsonSerializable(typeof(TokenView))]
[JsonSerializable(typeof(IReadOnlyList<TokenView>))]
[JsonSerializable(typeof(TokenRequest))]
[JsonSerializable(typeof(NewToken))]
[JsonSerializable(typeof(KeyView))]
[JsonSerializable(typeof(IReadOnlyList<KeyView>))]
[JsonSerializable(typeof(MachineReport))]
[JsonSerializable(typeof(MachineView))]
[JsonSerializable(typeof(MachinePage))]
[JsonSerializable(typeof(WithdrawalPage))]
[JsonSerializable(typeof(WithdrawalAnswer))]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(HealthView))]
[JsonSerializable(typeof(Explanation))]
[JsonSerializable(typeof(IReadOnlyList<ProblemReport>))]
[JsonSerializable(typeof(IReadOnlyList<PatchReference>))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(Envelope))]
public sealed partial class ProtocolJson : JsonSerializerContext;
