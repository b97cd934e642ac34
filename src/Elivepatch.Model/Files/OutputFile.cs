// In: a path that the command line names and the content for it. Out: the file, whole or not at all: it is written beside its
// place, flushed and renamed, so that no signal, full disk or crash leaves half of one.

namespace Elivepatch.Model.Files;

/// <summary>A file that a verb writes.</summary>
public static class OutputFile
{
    /// <summary>
    /// Says before the work begins why the file could not be written after it; null where it can be. To rename over a device,
    /// /dev/null for one, would take it away from everybody.
    /// </summary>
    public static Problem? Check(string path)
    {
        var folder = FolderOf(path);
        if (path.Length == 0 || path.EndsWith('/') || Directory.Exists(path))
        {
            return new(CommandProblems.OutputUnusable, $"'{path}' names no file");
        }

        if (!Directory.Exists(folder))
        {
            return new(CommandProblems.OutputUnusable, $"the directory {folder} does not exist");
        }

        if (File.Exists(path) && IsDevice(path))
        {
            return new(CommandProblems.OutputUnusable, $"{path} is a device");
        }

        return null;
    }

    /// <summary>Makes a folder for files, where it is not there; null where that was done.</summary>
    public static Problem? MakeFolder(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new(CommandProblems.OutputUnusable, $"the directory '{path}' cannot be created: {e.Message}");
        }
    }

    /// <summary>Writes the file; null where that was done.</summary>
    public static Problem? Write(string path, Action<Stream> write)
    {
        if (Check(path) is { } problem)
        {
            return problem;
        }

        var temporary = Path.Combine(
            FolderOf(path),
            $".{Path.GetFileName(path)}.{Environment.ProcessId}.{Path.GetRandomFileName()}"
        );
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(CommandProblems.OutputUnusable, e.Message);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path.Length == 0 ? "." : path)) ?? "/";

    // Links are followed as opening the file would. What lies in /dev belongs to the machine.
    private static bool IsDevice(string path) =>
        (File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path)).StartsWith(
            "/dev/",
            StringComparison.Ordinal
        );
}
