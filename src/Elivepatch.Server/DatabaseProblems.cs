using Elivepatch.Model;

namespace Elivepatch.Server;

/// <summary>A database that cannot be used.</summary>
public static class DatabaseProblems
{
    /// <summary>PostgreSQL does not answer, or does not let the server in.</summary>
    public static readonly ProblemCode DatabaseUnreachable = new(
        1050, ProblemKind.Environment, "the database cannot be used",
        "See that PostgreSQL runs and that the setting database names it; a running server goes on by itself when it is back.")
    {
        IsTemporary = true,
    };

    /// <summary>The servers of one database would sign with different keys.</summary>
    public static readonly ProblemCode KeysDiffer = new(
        1051, ProblemKind.Environment, "the server's keys are not those of the other servers",
        "Let the setting keysFolder name a folder that all servers share, or copy the other server's folder of keys here.");
}
