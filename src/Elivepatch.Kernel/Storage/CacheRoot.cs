// In: the digest of all that determines a result, and how to make it. Out: a folder with the result, made at most once at a
// time. Results are made in a folder beside and renamed, so nobody ever sees half of one, and a killed run leaves only rubbish
// whose lock is gone.

using Elivepatch.Model;
using Elivepatch.Model.Files;

namespace Elivepatch.Kernel.Storage;

/// <summary>
/// The folder in which everything lives that can be had again: packages, sources, prepared trees, objects, records.
/// </summary>
public sealed class CacheRoot
{
    private readonly string temporary;
    private readonly string locks;

    private CacheRoot(string path)
    {
        FullPath = path;
        temporary = Path.Combine(path, "tmp");
        locks = Path.Combine(path, "locks");
    }

    /// <summary>The folder.</summary>
    public string FullPath { get; }

    /// <summary>Opens the cache at a folder, creating it where needed, and removes what killed runs left.</summary>
    public static Outcome<CacheRoot> Open(string path)
    {
        var cache = new CacheRoot(Path.GetFullPath(path));
        try
        {
            Directory.CreateDirectory(cache.temporary);
            Directory.CreateDirectory(cache.locks);
            cache.RemoveLeftovers();
            return cache;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Problem(ProcessProblems.CacheFailed, $"{path}: {e.Message}");
        }
    }

    /// <summary>
    /// Opens the user's cache: <c>$ELIVEPATCH_CACHE</c>, <c>$XDG_CACHE_HOME/elivepatch</c> or <c>~/.cache/elivepatch</c>.
    /// </summary>
    public static Outcome<CacheRoot> OpenDefault() => Open(DefaultPath(Environment.GetEnvironmentVariable));

    /// <summary>Where the user's cache is, given the environment.</summary>
    public static string DefaultPath(Func<string, string?> environment)
    {
        if (environment("ELIVEPATCH_CACHE") is { Length: > 0 } own)
        {
            return Path.GetFullPath(own);
        }
        // The XDG base directory specification: a relative path is to be ignored.
        if (environment("XDG_CACHE_HOME") is { } cache && Path.IsPathRooted(cache))
        {
            return Path.Combine(cache, "elivepatch");
        }

        return Path.Combine(environment("HOME") is { Length: > 0 } home ? home : "/root", ".cache", "elivepatch");
    }

    /// <summary>A folder of the cache whose contents have another owner than this class, created where needed.</summary>
    public string EnsureFolder(string name) => Directory.CreateDirectory(Path.Combine(FullPath, name)).FullName;

    /// <summary>The folder of an entry that is there and whole, or null.</summary>
    public string? Find(EntryKind kind, ContentDigest key)
    {
        var path = EntryPath(kind, key);
        return EntryManifest.IsIntact(path) ? path : null;
    }

    /// <summary>
    /// The folder of an entry: the one that is there and whole, or a new one. Of several runs that ask at once one makes it and
    /// the others wait for it.
    /// </summary>
    /// <param name="kind">What kind of entry.</param>
    /// <param name="key">Digest of everything that determines the entry.</param>
    /// <param name="produce">Fills a new folder; a problem means that there is no entry.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<string>> GetAsync(
        EntryKind kind,
        ContentDigest key,
        Func<string, Task<Problem?>> produce,
        CancellationToken cancellation
    )
    {
        if (Find(kind, key) is { } found)
        {
            return found;
        }

        try
        {
            using var held = await FileLock.TakeAsync(Path.Combine(locks, $"{kind.Name}-{key.Hex}"), cancellation);
            if (Find(kind, key) is { } other)
            {
                return other;
            }

            using var workspace = NewWorkspace();
            if (await produce(workspace.FullPath) is { } problem)
            {
                return problem;
            }

            EntryManifest.Write(workspace.FullPath, kind.Covers);
            return Publish(workspace, EntryPath(kind, key));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Problem(ProcessProblems.CacheFailed, $"{FullPath}: {e.Message}");
        }
    }

    /// <summary>A new empty folder that is removed with its disposal, or by a later run.</summary>
    public Workspace NewWorkspace() => Workspace.Create(temporary);

    /// <summary>Holds a lock of the cache by name, waiting for it.</summary>
    public Task<FileLock> LockAsync(string name, CancellationToken cancellation) =>
        FileLock.TakeAsync(Path.Combine(locks, name), cancellation);

    /// <summary>Moves a finished workspace to its final path in the cache, in place of what is there.</summary>
    public string Publish(Workspace workspace, string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (Directory.Exists(path))
        {
            using var old = NewWorkspace();
            Directory.Move(path, Path.Combine(old.FullPath, "old"));
            workspace.MoveTo(path);
        }
        else
        {
            workspace.MoveTo(path);
        }
        return path;
    }

    private string EntryPath(EntryKind kind, ContentDigest key) => Path.Combine(FullPath, kind.Name, key.Hex);

    private void RemoveLeftovers()
    {
        foreach (var folder in Directory.EnumerateDirectories(temporary))
        {
            Workspace.RemoveIfAbandoned(folder);
        }
    }
}
