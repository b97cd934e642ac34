using Elivepatch.Engine.Facts;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>A livepatch symbol and who uses it.</summary>
/// <param name="Symbol">Object, name and position.</param>
/// <param name="Sections">Names of the sections whose livepatch relocations refer to it, in file order.</param>
public sealed record LivepatchReference(LivepatchSymbol Symbol, IReadOnlyList<string> Sections);
