using Elivepatch.Model;

namespace Elivepatch.Server;

/// <summary>A database that cannot be used.</summary>
public static class DatabaseProblems
{
    /// <summary>PostgreSQL does not answer, refuses the server, or does not answer in time.</summary>
    public static readonly ProblemCode DatabaseUnreachable = new(
        1050,
        ProblemKind.Environment,
        "the database cannot be used",
        "Check that PostgreSQL runs and that the setting `database` names it; a running server resumes by itself when the "
            + "database is back."
    )
    {
        IsTemporary = true,
    };

    /// <summary>The servers of one database sign with the same keys, whose public halves are registered in it.</summary>
    public static readonly ProblemCode KeysDiffer = new(
        1051,
        ProblemKind.Environment,
        "the server's keys differ from those of the other servers",
        "Set keysFolder to a directory that all servers share, or copy the key directory of another server here."
    );
}
