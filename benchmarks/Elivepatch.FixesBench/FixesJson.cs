using System.Text.Json;
using System.Text.Json.Serialization;

namespace Elivepatch.FixesBench;

/// <summary>How results are written for scripts, and kept.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true
)]
[JsonSerializable(typeof(FixesResult))]
[JsonSerializable(typeof(FixList))]
[JsonSerializable(typeof(FixBuild))]
[JsonSerializable(typeof(FixTrial))]
internal sealed partial class FixesJson : JsonSerializerContext
{
    /// <summary>Writes a result to a file.</summary>
    public static void Write(string file, FixesResult result) =>
        File.WriteAllText(file, JsonSerializer.Serialize(result, Default.FixesResult) + "\n");
}
