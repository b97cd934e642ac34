using Elivepatch.Engine.Facts;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>One <c>struct klp_func</c>.</summary>
/// <param name="OldName">Name in kallsyms of the function that is replaced; null where the entry has none.</param>
/// <param name="OldPosition">Which function of that name.</param>
/// <param name="New">What replaces it; null where the entry points nowhere.</param>
public sealed record ReplacedFunction(string? OldName, Sympos OldPosition, NewCode? New)
{
    /// <inheritdoc/>
    public override string ToString() => $"{OldName ?? "(no name)"},{OldPosition}";
}
