using System.Text.Json.Serialization;

namespace Elivepatch.Kernel.Compile;

/// <summary>How cached commands are written.</summary>
[JsonSerializable(typeof(CompileCommand))]
internal sealed partial class CompileCommandJson : JsonSerializerContext;
