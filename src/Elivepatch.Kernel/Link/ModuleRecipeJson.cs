using System.Text.Json.Serialization;

namespace Elivepatch.Kernel.Link;

/// <summary>Reads and writes recipes without reflection.</summary>
[JsonSerializable(typeof(ModuleRecipe))]
internal sealed partial class ModuleRecipeJson : JsonSerializerContext;
