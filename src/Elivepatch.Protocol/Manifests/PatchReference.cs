namespace Elivepatch.Protocol.Manifests;

/// <summary>A patch, by name and digest.</summary>
/// <param name="Name">File name.</param>
/// <param name="Sha256">SHA-256 of its content, hexadecimal.</param>
public sealed record PatchReference(string Name, string Sha256);
