namespace Elivepatch.Kernel.Processes;

/// <summary>One process to run in a sandbox.</summary>
public sealed record SandboxRequest
{
    /// <summary>The program: a name in the sandbox's <c>PATH</c> or a path inside.</summary>
    public required string File { get; init; }

    /// <summary>Arguments, one word each.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Working directory inside.</summary>
    public string WorkingDirectory { get; init; } = "/tmp";

    /// <summary>The whole environment inside.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = ProcessRequest.MinimalEnvironment;

    /// <summary>Where its programs and libraries come from.</summary>
    public Userland Userland { get; init; } = Userland.Host;

    /// <summary>What the sandbox sees besides the userland, in the order in which it is mounted.</summary>
    public IReadOnlyList<SandboxBind> Binds { get; init; } = [];

    /// <summary>
    /// Device nodes of this machine, by their paths in <c>/dev</c>, that the sandbox may use besides null, zero, full, random and
    /// tty.
    /// </summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>Bytes for the standard input.</summary>
    public ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>Wall-clock time after which everything inside is killed.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Bytes kept of each output stream.</summary>
    public int OutputLimit { get; init; } = 4 << 20;

    /// <summary>Bounds on what is inside.</summary>
    public SandboxLimits Limits { get; init; } = SandboxLimits.Default;

    /// <summary>
    /// True where the network of this machine is there too: for an emulator whose guest is to reach a server here, and never for
    /// what reads anything of a client's.
    /// </summary>
    public bool SharesNetwork { get; init; }

    /// <summary>Called for every line of standard output as it arrives.</summary>
    public Action<string>? OnOutputLine { get; init; }

    /// <summary>Called for every line of standard error as it arrives.</summary>
    public Action<string>? OnErrorLine { get; init; }
}
