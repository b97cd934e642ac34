using static Elivepatch.Engine.ProblemKind;

namespace Elivepatch.Engine;

/// <content>Numbers 0445 to 0449: what the author states.</content>
public static partial class ProblemCodes
{
    /// <summary>ELP0445.</summary>
    public static readonly ProblemCode StatementUnused = new(445, Usage, "a statement names nothing in this build",
        "correct its name or its unit, or take it out: a statement goes with the change that needs it");

    /// <summary>ELP0446.</summary>
    public static readonly ProblemCode StatementMalformed = new(446, Usage, "a statement cannot be understood",
        "give its kind, the one thing that it is about, its unit and a reason: docs/author-guide.md has all kinds");
}
