namespace Elivepatch.Kernel.Processes;

/// <summary>One process to run: everything that it is given, and every bound on what it may do.</summary>
public sealed record ProcessRequest
{
    /// <summary>
    /// The executable: a path, or a name that is looked up in the <c>PATH</c> of the process's own environment.
    /// </summary>
    public required string File { get; init; }

    /// <summary>Arguments, one word each; no shell reads them.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Working directory; the caller's own where null.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>The whole environment, unless <see cref="InheritEnvironment"/> asks for ours beneath it.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = MinimalEnvironment;

    /// <summary>Start from our own environment and put <see cref="Environment"/> on top.</summary>
    public bool InheritEnvironment { get; init; }

    /// <summary>Bytes for the standard input, which is closed after them.</summary>
    public ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>Wall-clock time after which the whole process group is killed.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Bytes kept of each of the two output streams; what follows is read and dropped.</summary>
    public int OutputLimit { get; init; } = 4 << 20;

    /// <summary>Called for every line of standard output as it arrives, from another thread. Long lines come in pieces.</summary>
    public Action<string>? OnOutputLine { get; init; }

    /// <summary>Called for every line of standard error as it arrives, from another thread. Long lines come in pieces.</summary>
    public Action<string>? OnErrorLine { get; init; }

    /// <summary>The environment of a process that asks for nothing: a search path and plain ASCII messages.</summary>
    public static IReadOnlyDictionary<string, string> MinimalEnvironment { get; } =
        new Dictionary<string, string> { ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin", ["LC_ALL"] = "C" };
}
