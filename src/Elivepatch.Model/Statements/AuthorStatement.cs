namespace Elivepatch.Model.Statements;

/// <summary>
/// An author's statement about one subject: that a change which cannot be proven harmless is harmless. The reason accompanies the
/// livepatch, in its explanation and its signed manifest.
/// </summary>
/// <param name="Kind">The kind of statement.</param>
/// <param name="Unit">Source file of the translation unit in which it holds, such as <c>fs/eventfd.c</c>.</param>
/// <param name="Name">Its subject, in a form that depends on the kind.</param>
/// <param name="Reason">The reason, in one line.</param>
public sealed record AuthorStatement(StatementKind Kind, string Unit, string Name, string Reason)
{
    /// <summary>Its subject.</summary>
    public StatementTarget Target => new(Kind, Unit, Name);
}
