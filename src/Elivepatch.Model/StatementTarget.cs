namespace Elivepatch.Model;

/// <summary>One thing that a statement can be about. A refusal that a statement could lift names it in this form.</summary>
/// <param name="Kind">What would be stated.</param>
/// <param name="Unit">Source file of the translation unit.</param>
/// <param name="Name">The one thing.</param>
public sealed record StatementTarget(StatementKind Kind, string Unit, string Name)
{
    /// <summary>
    /// The entry of a statements file, one line an element, to be filled in: without a reason it is refused.
    /// </summary>
    public IReadOnlyList<string> YamlLines => [$"- {StatementKinds.WordOf(Kind)}: {Name}", $"  unit: {Unit}", "  reason:  # say why"];

    /// <inheritdoc/>
    public override string ToString() => $"{StatementKinds.WordOf(Kind)}: {Name} in {Unit}";
}
