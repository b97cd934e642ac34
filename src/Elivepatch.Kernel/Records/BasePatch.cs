namespace Elivepatch.Kernel.Records;

/// <summary>A patch that the running kernel was built with.</summary>
/// <param name="Name">The name of its file.</param>
/// <param name="Digest">SHA-256 of its text, which lies in the record's folder <c>base-patches</c> under that name.</param>
public sealed record BasePatch(string Name, string Digest);
