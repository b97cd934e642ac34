namespace Elivepatch.Model.Statements;

/// <summary>
/// What an author states about one thing: that the engine may take as harmless what it cannot prove. The reason goes where the
/// livepatch goes: into its explanation and its signed manifest.
/// </summary>
/// <param name="Kind">What is stated.</param>
/// <param name="Unit">Source file of the translation unit in which it holds, such as <c>fs/eventfd.c</c>.</param>
/// <param name="Name">The one thing that it is about; its form depends on the kind.</param>
/// <param name="Reason">Why it is so: one line for people.</param>
public sealed record AuthorStatement(StatementKind Kind, string Unit, string Name, string Reason)
{
    /// <summary>What it is about.</summary>
    public StatementTarget Target => new(Kind, Unit, Name);
}
