namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>What is to come out when a case is built.</summary>
public sealed record CaseExpectation
{
    /// <summary>Exit status of <c>elivepatch build</c>.</summary>
    public required int Status { get; init; }

    /// <summary>Number of the refusal, <c>ELP0403</c>.</summary>
    public string? Error { get; init; }

    /// <summary>Functions that must be replaced.</summary>
    public IReadOnlyList<string> Patched { get; init; } = [];

    /// <summary>Functions that must not be replaced.</summary>
    public IReadOnlyList<string> Absent { get; init; } = [];

    /// <summary>Symbols of the running kernel that must be referred to.</summary>
    public IReadOnlyList<string> RefersTo { get; init; } = [];
}
