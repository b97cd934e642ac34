using Elivepatch.Model;

namespace Elivepatch.Kernel.Compile;

/// <summary>Files that a compile sees in place of those of the tree, or besides them.</summary>
/// <param name="Files">Text by path in the tree.</param>
public sealed record SourceOverlay(IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Files)
{
    /// <summary>The tree as it is.</summary>
    public static SourceOverlay None { get; } = new(new Dictionary<string, ReadOnlyMemory<byte>>());

    /// <summary>True where nothing differs from the tree.</summary>
    public bool IsEmpty => Files.Count == 0;

    /// <summary>These files, and those of another overlay besides.</summary>
    public SourceOverlay Over(SourceOverlay below) =>
        below.IsEmpty
            ? this
            : new(below.Files.Where(f => !Files.ContainsKey(f.Key)).Concat(Files).ToDictionary(StringComparer.Ordinal));

    /// <summary>Digest of paths and texts.</summary>
    public ContentDigest Digest =>
        ContentDigest.OfParts(
            Files.OrderBy(f => f.Key, StringComparer.Ordinal).SelectMany(f => new[] { f.Key, ContentDigest.Of(f.Value.Span).Hex })
        );
}
