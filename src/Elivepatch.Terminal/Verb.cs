using System.CommandLine;

namespace Elivepatch.Terminal;

/// <summary>A verb of the command, with a help that teaches.</summary>
public sealed class Verb : Command
{
    /// <summary>Makes a verb.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="summary">What it does, in one line: the list of verbs shows it.</param>
    /// <param name="explanation">What one has to know to use it; lines are shown as they are.</param>
    /// <param name="examples">Examples.</param>
    public Verb(string name, string summary, string explanation, params Example[] examples)
        : base(name, summary)
    {
        Explanation = explanation;
        Examples = examples;
    }

    /// <summary>Makes a verb that both programs list.</summary>
    public Verb(AuthorVerb verb, string explanation, params Example[] examples)
        : this(verb.Name, verb.Summary, explanation, examples) { }

    /// <summary>What one has to know to use it.</summary>
    public string Explanation { get; }

    /// <summary>Examples.</summary>
    public IReadOnlyList<Example> Examples { get; }
}
