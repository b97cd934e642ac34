using Elivepatch.Model;

namespace Elivepatch.Server.Checks;

/// <summary>
/// What came of checking a published module again: it keeps every rule, it breaks some, or that cannot be told.
/// </summary>
/// <param name="Problems">The rules that it breaks; empty for none.</param>
/// <param name="UnknownReason">What is missing to tell; null where nothing is, and where a rule is broken whatever is missing.</param>
internal sealed record ArtifactVerdict(IReadOnlyList<Problem> Problems, string? UnknownReason)
{
    /// <summary>It keeps every rule.</summary>
    public static ArtifactVerdict Kept { get; } = new([], null);

    /// <summary>It breaks rules.</summary>
    public static ArtifactVerdict Broken(IReadOnlyList<Problem> problems) => new(problems, null);

    /// <summary>It cannot be told.</summary>
    public static ArtifactVerdict Unknown(string whyNot) => new([], whyNot);
}
