namespace Elivepatch.Protocol.Api;

/// <summary>An error as RFC 9457 has it (<c>application/problem+json</c>), with the product's numbers.</summary>
public sealed record ProblemDetails
{
    /// <summary>The media type.</summary>
    public const string MediaType = "application/problem+json";

    /// <summary>Names the kind of problem: <c>urn:elivepatch:problem:ELP1003</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The kind of failure in a few words.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>What was found in this case.</summary>
    public string? Detail { get; init; }

    /// <summary>All problems, the first of which gave the title.</summary>
    public IReadOnlyList<ProblemReport> Problems { get; set; } = [];
}
