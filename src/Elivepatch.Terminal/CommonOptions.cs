using System.CommandLine;

namespace Elivepatch.Terminal;

/// <summary>Options that several verbs have, described in the same words.</summary>
public static class CommonOptions
{
    /// <summary><c>--json</c>.</summary>
    public static Option<bool> Json() =>
        new("--json") { Description = "Write the result to stdout as JSON, problems as an array." };

    /// <summary><c>--statements</c>.</summary>
    public static Option<string?> Statements() =>
        new("--statements")
        {
            Description = "The author's statements with their reasons; each lifts one refusal (YAML, see docs/author-guide.md).",
            HelpName = "FILE",
        };
}
