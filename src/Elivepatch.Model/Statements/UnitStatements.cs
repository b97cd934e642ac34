namespace Elivepatch.Model.Statements;

/// <summary>
/// The statements that hold in one unit, and which of them its comparison has used. Each comparison has its own instance, because
/// units are compared in parallel.
/// </summary>
/// <param name="unit">The unit.</param>
/// <param name="statements">Its statements.</param>
public sealed class UnitStatements(string unit, IEnumerable<AuthorStatement> statements)
{
    private readonly Dictionary<(StatementKind Kind, string Name), AuthorStatement> byTarget = statements.ToDictionary(s =>
        (s.Kind, s.Name)
    );
    private readonly HashSet<AuthorStatement> lifting = [];
    private readonly HashSet<AuthorStatement> rejected = [];

    /// <summary>The statements on which the livepatch depends, in order of kind and name.</summary>
    public IReadOnlyList<AuthorStatement> Used => Sorted(lifting);

    /// <summary>Statements whose subject exists but whose refusal cannot be lifted: the problem says why.</summary>
    public IReadOnlyList<AuthorStatement> Rejected => Sorted(rejected);

    /// <summary>The functions that are to be patched too.</summary>
    public IEnumerable<string> FunctionsToPatch =>
        byTarget.Keys.Where(k => k.Kind == StatementKind.PatchFunctionToo).Select(k => k.Name);

    /// <summary>True if the author states this; the statement then counts as used.</summary>
    public bool TryUse(StatementKind kind, string name)
    {
        if (!byTarget.TryGetValue((kind, name), out var statement))
        {
            return false;
        }

        lifting.Add(statement);
        return true;
    }

    /// <summary>
    /// Adds a problem unless the author lifts it. An added problem says which statement would lift it.
    /// </summary>
    /// <param name="problems">Where to add it.</param>
    /// <param name="problem">The refusal.</param>
    /// <param name="kind">The kind that lifts it.</param>
    /// <param name="name">The subject, as a statement names it.</param>
    public void AddUnlessLifted(List<Problem> problems, Problem problem, StatementKind kind, string name)
    {
        if (TryUse(kind, name))
        {
            return;
        }

        problems.Add(
            problem with
            {
                CaseRemedy =
                    $"{problem.Remedy} If you know that it is harmless, state {StatementKinds.WordOf(kind)} and why (--statements).",
                LiftedBy = new(kind, unit, name),
            }
        );
    }

    /// <summary>
    /// Adds a problem that no statement lifts. A statement meant to lift it is not reported as matching nothing.
    /// </summary>
    /// <param name="problems">Where to add it.</param>
    /// <param name="problem">The refusal.</param>
    /// <param name="kind">The kind that would lift it if it could be lifted.</param>
    /// <param name="name">The subject.</param>
    public void AddUnliftable(List<Problem> problems, Problem problem, StatementKind kind, string name)
    {
        if (byTarget.TryGetValue((kind, name), out var statement))
        {
            rejected.Add(statement);
        }

        problems.Add(problem);
    }

    private static List<AuthorStatement> Sorted(HashSet<AuthorStatement> statements) =>
        [.. statements.OrderBy(s => s.Kind).ThenBy(s => s.Name, StringComparer.Ordinal)];
}
