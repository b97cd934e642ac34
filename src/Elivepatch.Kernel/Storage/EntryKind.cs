namespace Elivepatch.Kernel.Storage;

/// <summary>A kind of cache entry.</summary>
/// <param name="Name">Name of its folder in the cache.</param>
/// <param name="Covers">
/// Which files of an entry, by path in it, the manifest vouches for: all but where there are too many to look at each time.
/// </param>
public sealed record EntryKind(string Name, Func<string, bool> Covers)
{
    /// <summary>A kind whose every file is vouched for.</summary>
    public EntryKind(string name)
        : this(name, _ => true) { }
}
