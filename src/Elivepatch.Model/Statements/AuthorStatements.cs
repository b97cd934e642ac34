namespace Elivepatch.Model.Statements;

/// <summary>The statements of one build, in the author's order.</summary>
public sealed class AuthorStatements
{
    private readonly ILookup<string, AuthorStatement> byUnit;

    private AuthorStatements(IReadOnlyList<AuthorStatement> all)
    {
        All = all;
        byUnit = all.ToLookup(s => s.Unit, StringComparer.Ordinal);
    }

    /// <summary>No statements.</summary>
    public static AuthorStatements None { get; } = new([]);

    /// <summary>All of them, in order.</summary>
    public IReadOnlyList<AuthorStatement> All { get; }

    /// <summary>The units with functions to patch although no patch changes them.</summary>
    public IEnumerable<string> UnitsToPatch =>
        All.Where(s => s.Kind == StatementKind.PatchFunctionToo).Select(s => s.Unit).Distinct();

    /// <summary>Takes a list that follows <see cref="StatementRules"/>.</summary>
    public static Outcome<AuthorStatements> Of(IReadOnlyList<AuthorStatement> statements) =>
        StatementRules.Check(statements) is { } wrong
            ? new Problem(StatementProblems.StatementMalformed, wrong)
            : new AuthorStatements([.. statements]);

    /// <summary>The statements that hold in a unit, for the comparison of that unit.</summary>
    public UnitStatements In(string unit) => new(unit, byUnit[unit]);

    /// <summary>
    /// A problem for each statement that matches nothing in this build: it is misspelt, or the patch has changed. Otherwise the
    /// manifest would sign a reason for something that does not exist.
    /// </summary>
    /// <param name="used">What the comparisons of all units have used.</param>
    public IReadOnlyList<Problem> FindUnused(IEnumerable<AuthorStatement> used)
    {
        var known = used.ToHashSet();
        return
        [
            .. All.Where(s => !known.Contains(s))
                .Select(s => new Problem(StatementProblems.StatementUnused, s.Target.ToString())),
        ];
    }
}
