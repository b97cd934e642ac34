using System.Globalization;
using System.Text.Json.Serialization;
using Elivepatch.Model;
using Elivepatch.Model.Statements;

namespace Elivepatch.Protocol;

/// <summary>A problem as scripts and other machines read it.</summary>
/// <param name="Code">The stable number, <c>ELP0403</c>.</param>
/// <param name="Title">Short description of the kind of failure.</param>
/// <param name="Reason">What was found in this case.</param>
/// <param name="Remedy">What to do.</param>
public sealed record ProblemReport(string Code, string Title, string Reason, string Remedy)
{
    /// <summary>
    /// The kind of failure, one of the words of <see cref="ProblemKinds"/>; null if written by an older version.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Kind { get; init; }

    /// <summary>True if the same request, unchanged, can succeed later.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Temporary { get; init; }

    /// <summary>The author's statement that would lift it; null if none can.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public LiftingStatement? LiftedBy { get; init; }

    /// <summary>
    /// The module whose file the builder lacks, if that is the problem: a client that sends it and names it in a new request gets
    /// further. Null for other problems.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MissingModule { get; init; }

    /// <summary>The problems as others read them.</summary>
    public static IReadOnlyList<ProblemReport> Of(IEnumerable<Problem> problems) =>
        [
            .. problems.Select(p => new ProblemReport(p.Code.Id, p.Code.Title, p.Reason, p.Remedy)
            {
                Kind = ProblemKinds.WordOf(p.Code.Kind),
                Temporary = p.Code.IsTemporary,
                LiftedBy = p.LiftedBy is { } target ? new(StatementKinds.WordOf(target.Kind)!, target.Unit, target.Name) : null,
                MissingModule = p.MissingModule,
            }),
        ];

    /// <summary>
    /// The problem that another machine reported, whose number this version need not know. A kind that it does not know, or none,
    /// counts as a failure of the environment.
    /// </summary>
    public Problem ToProblem() =>
        new(
            NumberOf(Code) is { } number
                ? new(number, ProblemKinds.Parse(Kind) ?? ProblemKind.Environment, Title, Remedy) { IsTemporary = Temporary }
                : ServiceProblems.ServerProblemUnknown with
                {
                    Title = $"{Code} {Title}",
                },
            Reason,
            Remedy
        )
        {
            LiftedBy = LiftedBy?.ToTarget(),
            MissingModule = MissingModule,
        };

    private static int? NumberOf(string? code) =>
        code is ['E', 'L', 'P', .. { Length: 4 } digits]
        && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}

/// <summary>A statement that could lift a problem. An unknown kind comes from a newer version.</summary>
/// <param name="Kind">The word for its kind.</param>
/// <param name="Unit">Source file of the translation unit.</param>
/// <param name="Name">The one thing that it would be about.</param>
public sealed record LiftingStatement(string Kind, string Unit, string Name)
{
    /// <summary>What would be stated; null where this version does not know such a statement.</summary>
    public StatementTarget? ToTarget() =>
        StatementKinds.Parse(Kind) is { } kind
        && new StatementTarget(kind, Unit, Name) is var target
        && StatementRules.Check(target) is null
            ? target
            : null;
}
