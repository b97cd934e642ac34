namespace Elivepatch.Model;

/// <summary>The subject of a statement. A refusal that a statement could lift names it in this form.</summary>
/// <param name="Kind">The kind of statement.</param>
/// <param name="Unit">Source file of the translation unit.</param>
/// <param name="Name">The subject.</param>
public sealed record StatementTarget(StatementKind Kind, string Unit, string Name)
{
    /// <summary>
    /// The entry for a statements file, one line per element, to be completed: without a reason it is refused.
    /// </summary>
    public IReadOnlyList<string> YamlLines =>
        [$"- {StatementKinds.WordOf(Kind)}: {Name}", $"  unit: {Unit}", "  reason:  # say why"];

    /// <inheritdoc/>
    public override string ToString() => $"{StatementKinds.WordOf(Kind)}: {Name} in {Unit}";
}
