namespace Elivepatch.Protocol.Api;

/// <summary>An error in the form of RFC 9457 (<c>application/problem+json</c>), with ELP numbers.</summary>
public sealed record ProblemDetails
{
    /// <summary>The media type.</summary>
    public const string MediaType = "application/problem+json";

    /// <summary>Identifies the kind of problem: <c>urn:elivepatch:problem:ELP1003</c>.</summary>
    public required string Type { get; init; }

    /// <summary>Short description of the kind of failure.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>What was found in this case.</summary>
    public string? Detail { get; init; }

    /// <summary>All problems; the title is that of the first one.</summary>
    public IReadOnlyList<ProblemReport> Problems { get; set; } = [];
}
