using Elivepatch.Kernel.Records;

namespace Elivepatch.Builder.Sources;

/// <summary>A kernel whose source is wanted.</summary>
/// <param name="Release">Its release.</param>
/// <param name="BuildId">Its build-id, hexadecimal.</param>
/// <param name="Uploaded">The archive that a client sent, without a suffix that says what it is; or null.</param>
public sealed record SourceRequest(string Release, string BuildId, string? Uploaded);

/// <summary>What a place gave: a complete record, or a source tree or archive.</summary>
/// <param name="Record">The record of the kernel, with everything that is needed; or null.</param>
/// <param name="SourcePath">The tree or archive; empty with a record.</param>
public sealed record ProvidedSource(KernelRecord? Record, string SourcePath);

/// <summary>Whether the configured places have the source of a kernel.</summary>
/// <param name="IsCovered">One of them has.</param>
/// <param name="HasBootImage">It brings the boot image as well.</param>
/// <param name="Tried">What each place said, for whoever has to change that.</param>
public sealed record SourceCoverage(bool IsCovered, bool HasBootImage, IReadOnlyList<string> Tried);
