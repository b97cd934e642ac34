using System.Text.RegularExpressions;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Packages;

/// <summary>A package that the archive offers.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Digest">SHA-256 of its file, from the signed index.</param>
/// <param name="Size">Bytes of its file.</param>
/// <param name="Depends">The packages that it needs, as the index writes them; empty for none.</param>
public sealed partial record DebianPackage(string Name, string Version, ContentDigest Digest, long Size, string Depends)
{
    /// <summary>Names of the packages that it needs in its own version: they were built with it.</summary>
    public IReadOnlyList<string> Siblings =>
        [
            .. Depends
                .Split(',')
                .Select(d => SiblingPattern().Match(d.Trim()))
                .Where(m => m.Success && m.Groups["version"].Value == Version)
                .Select(m => m.Groups["name"].Value),
        ];

    /// <inheritdoc/>
    public override string ToString() => $"{Name}={Version}";

    // Debian Policy, 5.6.1 and 7.1: a name, and a version that has to be just this one.
    [GeneratedRegex(@"\A(?<name>[a-z0-9][a-z0-9+.-]+) \(= (?<version>[^)\s]+)\)\z")]
    private static partial Regex SiblingPattern();
}
