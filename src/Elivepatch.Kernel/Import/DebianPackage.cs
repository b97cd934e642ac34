using Elivepatch.Model;

namespace Elivepatch.Kernel.Import;

/// <summary>A package that the archive offers.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Digest">SHA-256 of its file, from the signed index.</param>
/// <param name="Size">Bytes of its file.</param>
public sealed record DebianPackage(string Name, string Version, ContentDigest Digest, long Size)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Name}={Version}";
}
