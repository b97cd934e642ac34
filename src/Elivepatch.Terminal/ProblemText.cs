using Elivepatch.Model;

namespace Elivepatch.Terminal;

/// <summary>
/// Problems as people read them: number and title, the reason line by line, what to do, and what an author could state, ready to
/// be copied into a file.
/// </summary>
public static class ProblemText
{
    /// <summary>
    /// Writes problems. Those of one kind are gathered under one title, as many functions may be refused for one reason.
    /// </summary>
    public static void Write(TextWriter output, IReadOnlyList<Problem> problems)
    {
        foreach (var kind in problems.GroupBy(p => (p.Code, p.Remedy)))
        {
            // A server may have named them.
            output.WriteLine(Printable.Escape($"{kind.Key.Code.Id} {kind.Key.Code.Title}"));
            foreach (var line in kind.SelectMany(p => p.Reason.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n')))
            {
                output.WriteLine($"  {Printable.Escape(line)}");
            }

            output.WriteLine(Printable.Escape($"  what to do: {kind.Key.Remedy}"));
            foreach (var line in kind.Select(p => p.LiftedBy).OfType<StatementTarget>().Distinct().SelectMany(t => t.YamlLines))
            {
                output.WriteLine(Printable.Escape($"    {line}"));
            }
        }
    }
}
