namespace Elivepatch.Model.Statements;

/// <summary>Statements that cannot be taken.</summary>
public static class StatementProblems
{
    /// <summary>ELP0445.</summary>
    public static readonly ProblemCode StatementUnused = new(445, ProblemKind.Usage, "a statement names nothing in this build",
        "correct its name or its unit, or take it out: a statement goes with the change that needs it");

    /// <summary>ELP0446.</summary>
    public static readonly ProblemCode StatementMalformed = new(446, ProblemKind.Usage, "a statement cannot be understood",
        "give its kind, the one thing that it is about, its unit and a reason: docs/author-guide.md has all kinds");

    /// <summary>ELP0954.</summary>
    public static readonly ProblemCode StatementsUnreadable = new(954, ProblemKind.Usage, "the statements file cannot be read",
        "correct the named line: the chapter \"Statements\" of docs/author-guide.md has the form and an example");
}
