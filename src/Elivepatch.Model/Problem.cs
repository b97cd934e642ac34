using System.Globalization;

namespace Elivepatch.Model;

/// <summary>What a failure means to whoever called: the exit status of the command line and the class of the answer.</summary>
public enum ProblemKind
{
    /// <summary>The environment failed: a tool, a disk, a download. Exit status 1.</summary>
    Environment = 1,

    /// <summary>The request makes no sense. Exit status 2.</summary>
    Usage = 2,

    /// <summary>The patch changes no code. Exit status 3.</summary>
    NoChange = 3,

    /// <summary>A livepatch would be wrong or unsafe. Exit status 4.</summary>
    Refused = 4,

    /// <summary>The kernel is not what the sources and compiler build. Exit status 5.</summary>
    Mismatch = 5,
}

/// <summary>The words for the kinds, as JSON has them.</summary>
public static class ProblemKinds
{
    private static readonly (ProblemKind Kind, string Word)[] words =
    [
        (ProblemKind.Environment, "environment"),
        (ProblemKind.Usage, "usage"),
        (ProblemKind.NoChange, "no-change"),
        (ProblemKind.Refused, "refused"),
        (ProblemKind.Mismatch, "mismatch"),
    ];

    /// <summary>The word for a kind.</summary>
    public static string WordOf(ProblemKind kind) => Array.Find(words, w => w.Kind == kind).Word;

    /// <summary>The kind that a word stands for; null for an unknown word.</summary>
    public static ProblemKind? Parse(string? word) =>
        Array.Find(words, w => w.Word == word) is { Word: not null } found ? found.Kind : null;
}

/// <summary>
/// One kind of failure with its stable number, which alone says whether two are the same. Each is listed in the project that can
/// fail so. Numbers are never reused; <c>docs/errors.md</c> lists all of them and a test compares the two.
/// </summary>
/// <param name="Number">Number; the hundreds name the stage.</param>
/// <param name="Kind">What it means to the caller.</param>
/// <param name="Title">The failure in a few words.</param>
/// <param name="Remedy">What to do about it, where that does not depend on the case.</param>
public sealed record ProblemCode(int Number, ProblemKind Kind, string Title, string Remedy)
{
    /// <summary>
    /// True where nobody has to change anything: the same request can succeed later, because what stood in its way goes away by
    /// itself or is somebody else's to mend. False in doubt: whoever runs the command again and again has to have a reason to.
    /// </summary>
    public bool IsTemporary { get; init; }

    /// <summary>The number as users see it, <c>ELP0401</c>.</summary>
    public string Id => string.Create(CultureInfo.InvariantCulture, $"ELP{Number:0000}");

    /// <summary>True for the same number: another machine may know it under an older title.</summary>
    public bool Equals(ProblemCode? other) => other?.Number == Number;

    /// <inheritdoc/>
    public override int GetHashCode() => Number;

    /// <inheritdoc/>
    public override string ToString() => Id;
}

/// <summary>An expected failure: what happened, why, and what to do.</summary>
/// <param name="Code">Which kind of failure.</param>
/// <param name="Reason">What was found in this case: names, places, values.</param>
/// <param name="CaseRemedy">What to do in this case, where that is more than the code's own remedy.</param>
public sealed record Problem(ProblemCode Code, string Reason, string? CaseRemedy = null)
{
    /// <summary>What to do.</summary>
    public string Remedy => CaseRemedy ?? Code.Remedy;

    /// <summary>What an author could state to lift this refusal; null where no statement can.</summary>
    public StatementTarget? LiftedBy { get; init; }

    /// <summary>The module whose file is missing; null where it is something else that fails.</summary>
    public string? MissingModule { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Code.Id}: {Reason}";
}
