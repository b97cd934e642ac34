namespace Elivepatch.Kernel.Records;

/// <summary>Where a kernel record comes from.</summary>
/// <param name="Kind"><c>debian</c> or <c>capture</c>.</param>
/// <param name="Packages">The packages with their versions, as <c>name=version</c>; empty for a capture.</param>
/// <param name="ImportedAt">When it was imported, UTC.</param>
public sealed record KernelOrigin(string Kind, IReadOnlyList<string> Packages, DateTimeOffset ImportedAt)
{
    /// <summary>
    /// The suite that the packages are from; null for what this machine's own sources offer, and for a capture.
    /// </summary>
    public string? Suite { get; init; }
}
