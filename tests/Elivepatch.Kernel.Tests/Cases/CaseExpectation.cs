namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>What is to come out when a case is built.</summary>
public sealed class CaseExpectation
{
    /// <summary>Exit status of <c>elivepatch build</c>.</summary>
    public int Status { get; set; }

    /// <summary>Number of the refusal, <c>ELP0403</c>.</summary>
    public string? Error { get; set; }

    /// <summary>The functions that are replaced: these and no others.</summary>
    public List<string> Patched { get; set; } = [];

    /// <summary>Symbols of the running kernel that must be referred to.</summary>
    public List<string> RefersTo { get; set; } = [];
}
