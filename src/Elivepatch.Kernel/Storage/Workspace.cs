using Elivepatch.Model.Files;

namespace Elivepatch.Kernel.Storage;

/// <summary>A temporary folder under a lock; without the lock it is rubbish that anybody may remove.</summary>
public sealed class Workspace : IDisposable
{
    private readonly FileLock held;
    private readonly string lockPath;

    private Workspace(string path, FileLock held, string lockPath)
    {
        FullPath = path;
        this.held = held;
        this.lockPath = lockPath;
    }

    /// <summary>The folder.</summary>
    public string FullPath { get; }

    /// <summary>Creates a folder below a parent.</summary>
    public static Workspace Create(string parent)
    {
        while (true)
        {
            var path = Path.Combine(parent, Convert.ToHexStringLower(Guid.NewGuid().ToByteArray()));
            if (FileLock.TryTake(path + ".lock") is not { } held)
            {
                continue;
            }

            Directory.CreateDirectory(path);
            return new(path, held, path + ".lock");
        }
    }

    /// <summary>Removes a folder that nobody holds any more.</summary>
    public static void RemoveIfAbandoned(string path)
    {
        try
        {
            using var held = FileLock.TryTake(path + ".lock");
            if (held is null)
            {
                return;
            }

            Remove(path);
            File.Delete(path + ".lock");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A later run removes what could not be removed now.
        }
    }

    /// <summary>Gives the folder another path, where it stays.</summary>
    public void MoveTo(string path) => Directory.Move(FullPath, path);

    /// <inheritdoc/>
    public void Dispose()
    {
        Remove(FullPath);
        File.Delete(lockPath);
        held.Dispose();
    }

    private static void Remove(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A later run removes what could not be removed now.
        }
    }
}
