// A cache that has what an import leaves (source, prepared tree, recipe of its modules) and nothing of any unit: a folder with
// links to the user's cache, and folders of its own for what builds add. The user's cache stays as it is.

using Elivepatch.Kernel.Storage;

namespace Elivepatch.Bench;

/// <summary>A cache without units.</summary>
internal sealed class ColdCache : IDisposable
{
    private static readonly string[] OfUnits = ["commands", "objects", "locks", "tmp"];

    private ColdCache(string path) => FullPath = path;

    /// <summary>Where it is.</summary>
    public string FullPath { get; }

    /// <summary>Makes one.</summary>
    public static ColdCache Create(CacheRoot cache)
    {
        var folder = Directory.CreateTempSubdirectory("elivepatch-bench-cache-");
        foreach (var part in Directory.EnumerateDirectories(cache.FullPath).Where(d => !OfUnits.Contains(Path.GetFileName(d))))
        {
            Directory.CreateSymbolicLink(Path.Combine(folder.FullName, Path.GetFileName(part)), part);
        }

        return new(folder.FullName);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Deleting recursively removes links, not what they lead to.
        Directory.Delete(FullPath, recursive: true);
    }
}
