namespace Elivepatch.Engine.SelfCheck;

/// <summary>Bytes of a module's sections in memory, before rounding to pages.</summary>
/// <param name="Code">Instructions that stay.</param>
/// <param name="ReadOnlyData">Constants that stay.</param>
/// <param name="WritableData">Variables.</param>
/// <param name="Init">What is freed once the module has loaded (sections named <c>.init</c>).</param>
public sealed record ModuleSizes(ulong Code, ulong ReadOnlyData, ulong WritableData, ulong Init);
