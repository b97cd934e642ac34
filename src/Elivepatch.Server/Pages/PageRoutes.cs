namespace Elivepatch.Server.Pages;

/// <summary>Paths of the page.</summary>
internal static class PageRoutes
{
    public const string Builds = "/";
    public const string BuildPattern = "/builds/{build}";
    public const string Kernels = "/kernels";
    public const string KernelPattern = Kernels + "/{kernel}";
    public const string Workers = "/workers";
    public const string Machines = "/machines";
    public const string MachinePattern = Machines + "/{machine}";
    public const string SignIn = "/sign-in";
    public const string SignOut = "/sign-out";
    public const string Assets = "/assets/";

    /// <summary>One build.</summary>
    public static string Build(string build) => $"/builds/{Uri.EscapeDataString(build)}";

    /// <summary>One kernel.</summary>
    public static string Kernel(string kernel) => $"{Kernels}/{Uri.EscapeDataString(kernel)}";

    /// <summary>One machine.</summary>
    public static string Machine(string machine) => $"{Machines}/{Uri.EscapeDataString(machine)}";

    /// <summary>A path with those of the parameters that have a value.</summary>
    public static string WithQuery(string path, params (string Name, string? Value)[] parameters)
    {
        var query = string.Join(
            '&',
            parameters.Where(p => p.Value is { Length: > 0 }).Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value!)}")
        );
        return query.Length == 0 ? path : $"{path}?{query}";
    }

    /// <summary>Where to sign in to come back to a page of this server.</summary>
    public static string SignInAndReturn(string path, bool isOver) =>
        WithQuery(SignIn, ("return", path == Builds ? null : path), ("over", isOver ? "1" : null));

    /// <summary>A path of this server as somebody gave it; the list of builds for everything else.</summary>
    public static string LocalPath(string? path) =>
        path is { Length: > 0 and <= 2000 }
        && path[0] == '/'
        && !(path.Length > 1 && path[1] is '/' or '\\')
        && path.All(c => c is > ' ' and < '\x7f' and not '\\')
            ? path
            : Builds;
}
