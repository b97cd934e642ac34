using System.Text.Json.Serialization;

namespace Elivepatch.Machine;

/// <summary>
/// The files of the state folder. A member that this version does not know is of a newer one: then the file is left alone.
/// </summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    MaxDepth = 16,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    IgnoreReadOnlyProperties = true
)]
[JsonSerializable(typeof(KernelLedger))]
[JsonSerializable(typeof(KnownWithdrawals))]
[JsonSerializable(typeof(BootLedger))]
[JsonSerializable(typeof(MachineConfig))]
internal sealed partial class MachineJson : JsonSerializerContext;
