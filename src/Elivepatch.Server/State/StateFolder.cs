using Elivepatch.Builder;
using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Server.Configuration;

namespace Elivepatch.Server.State;

/// <summary>The folder with all that has to be kept, which nobody but the server's user can read.</summary>
/// <param name="FullPath">The folder.</param>
public sealed record StateFolder(string FullPath)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The database.</summary>
    public string DatabaseFile => Path.Combine(FullPath, "elivepatchd.db");

    /// <summary>The folder of the blobs.</summary>
    public string Blobs => Path.Combine(FullPath, "blobs");

    /// <summary>The folder of the signing keys.</summary>
    public string Keys { get; init; } = Path.Combine(FullPath, "keys");

    /// <summary>Makes the folder where it is not.</summary>
    public static Outcome<StateFolder> Open(ServerOptions options)
    {
        try
        {
            Directory.CreateDirectory(options.StateFolder, OwnerOnly);
            var folder = new StateFolder(options.StateFolder);
            return options.KeysFolder is { } keys ? folder with { Keys = keys } : folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Problem(BuilderProblems.StateUnusable, $"{options.StateFolder}: {e.Message}");
        }
    }

    /// <summary>Makes sure that no other server works on this folder until the lock is released.</summary>
    public Outcome<FileLock> Lock()
    {
        var path = Path.Combine(FullPath, "lock");
        try
        {
            return FileLock.TryTake(path) is { } taken
                ? taken
                : new Problem(
                    BuilderProblems.StateUnusable,
                    $"another elivepatchd works on {FullPath}",
                    "End it, or give this one another --state-folder."
                );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Problem(BuilderProblems.StateUnusable, $"{path}: {e.Message}");
        }
    }

    /// <summary>Why nothing can be written here, or null.</summary>
    public string? FindWriteProblem()
    {
        var path = Path.Combine(FullPath, $"probe-{Environment.ProcessId}-{Environment.CurrentManagedThreadId}");
        try
        {
            using (var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                file.Write(new byte[4096]);
                file.Flush(flushToDisk: true);
            }

            File.Delete(path);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }
}
