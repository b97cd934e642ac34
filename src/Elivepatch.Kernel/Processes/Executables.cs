namespace Elivepatch.Kernel.Processes;

/// <summary>Finds programs in a search path, as execvp(3) would.</summary>
public static class Executables
{
    /// <summary>The full path of a program, or null where the search path (our own where null) has none of that name.</summary>
    public static string? Find(string name, string? searchPath = null)
    {
        if (name.Contains('/', StringComparison.Ordinal))
        {
            return IsExecutable(name) ? Path.GetFullPath(name) : null;
        }

        searchPath ??= Environment.GetEnvironmentVariable("PATH") ?? ProcessRequest.MinimalEnvironment["PATH"];
        return searchPath.Split(':').Where(Path.IsPathRooted).Select(d => Path.Combine(d, name)).FirstOrDefault(IsExecutable);
    }

    private static bool IsExecutable(string path) =>
        File.Exists(path)
        && (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0;
}
