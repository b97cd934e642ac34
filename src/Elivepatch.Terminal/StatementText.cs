using Elivepatch.Model.Statements;

namespace Elivepatch.Terminal;

/// <summary>What an author stated, as people read it: each thing with its reason on the line below.</summary>
public static class StatementText
{
    /// <summary>Writes statements; nothing for none.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="statements">The statements.</param>
    /// <param name="indent">How far in they begin, in columns.</param>
    public static void Write(TextWriter output, IReadOnlyList<AuthorStatement> statements, int indent = 0)
    {
        var margin = new string(' ', indent);
        if (statements.Count > 0)
        {
            output.WriteLine($"{margin}stated by the author:");
        }

        foreach (var statement in statements)
        {
            output.WriteLine(Printable.Escape($"{margin}  {statement.Target}"));
            output.WriteLine(Printable.Escape($"{margin}    {statement.Reason}"));
        }
    }
}
