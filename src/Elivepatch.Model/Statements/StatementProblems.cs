namespace Elivepatch.Model.Statements;

/// <summary>Author's statements that are not accepted.</summary>
public static class StatementProblems
{
    /// <summary>ELP0445.</summary>
    public static readonly ProblemCode StatementUnused = new(
        445,
        ProblemKind.Usage,
        "a statement matches nothing in this build",
        "Correct its name or its unit, or remove it: a statement belongs with the change that needs it."
    );

    /// <summary>ELP0446.</summary>
    public static readonly ProblemCode StatementMalformed = new(
        446,
        ProblemKind.Usage,
        "a statement is malformed",
        "Give its kind, its subject, its unit and a reason; docs/author-guide.md lists all kinds."
    );

    /// <summary>ELP0954.</summary>
    public static readonly ProblemCode StatementsUnreadable = new(
        954,
        ProblemKind.Usage,
        "the statements file cannot be read",
        "Correct the line that the reason names; the chapter \"Statements\" of docs/author-guide.md has the format and an "
            + "example."
    );
}
