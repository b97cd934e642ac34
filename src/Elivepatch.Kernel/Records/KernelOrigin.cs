namespace Elivepatch.Kernel.Records;

/// <summary>Where a kernel record comes from.</summary>
/// <param name="Kind"><c>debian</c> or <c>capture</c>.</param>
/// <param name="Packages">The packages with their versions, as <c>name=version</c>; empty for a capture.</param>
/// <param name="ImportedAt">When it was imported, UTC.</param>
public sealed record KernelOrigin(string Kind, IReadOnlyList<string> Packages, DateTimeOffset ImportedAt);
