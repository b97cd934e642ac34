namespace Elivepatch.Protocol.Api;

/// <summary>Paths of the HTTP API, version 1. <c>docs/api/v1.json</c> describes it.</summary>
public static class ApiRoutes
{
    /// <summary>The root of version 1.</summary>
    public const string Root = "/api/v1";

    /// <summary>Kernels: GET lists them, POST registers one from a capture.</summary>
    public const string Kernels = Root + "/kernels";

    /// <summary>Builds: GET lists them, POST submits one.</summary>
    public const string Builds = Root + "/builds";

    /// <summary>Tokens: GET lists them, POST creates one.</summary>
    public const string Tokens = Root + "/tokens";

    /// <summary>Machines: GET lists them, POST accepts a report.</summary>
    public const string Machines = Root + "/machines";

    /// <summary>Withdrawn livepatches: GET lists them, with the machines that report them.</summary>
    public const string Withdrawals = Root + "/withdrawals";

    /// <summary>The server's public keys.</summary>
    public const string Keys = Root + "/keys";

    /// <summary>The workers that have reported recently.</summary>
    public const string Workers = Root + "/workers";

    /// <summary>Builds assigned to workers.</summary>
    public const string Work = Root + "/work";

    /// <summary>Toolchain roots, for workers.</summary>
    public const string Toolchains = Root + "/toolchains";

    /// <summary>Answers as long as the process runs.</summary>
    public const string Live = "/health/live";

    /// <summary>Answers 200 if requests can be served: the database answers and the state can be written.</summary>
    public const string Ready = "/health/ready";

    /// <summary>One kernel; DELETE removes it.</summary>
    public static string Kernel(string kernel) => $"{Kernels}/{Uri.EscapeDataString(kernel)}";

    /// <summary>One missing part of a kernel; PUT sends it.</summary>
    public static string KernelPart(string kernel, string part) => $"{Kernel(kernel)}/parts/{Uri.EscapeDataString(part)}";

    /// <summary>One build.</summary>
    public static string Build(string build) => $"{Builds}/{Uri.EscapeDataString(build)}";

    /// <summary>One token; DELETE revokes it.</summary>
    public static string Token(string token) => $"{Tokens}/{Uri.EscapeDataString(token)}";

    /// <summary>POST cancels the build.</summary>
    public static string Cancel(string build) => Build(build) + "/cancel";

    /// <summary>Server-sent events of a build, from the first one or the one after <c>Last-Event-ID</c>.</summary>
    public static string Events(string build) => Build(build) + "/events";

    /// <summary>The log, as text.</summary>
    public static string Log(string build) => Build(build) + "/log";

    /// <summary>The module (<c>.ko</c>).</summary>
    public static string Artifact(string build) => Build(build) + "/artifact";

    /// <summary>The signed manifest: a DSSE envelope of an in-toto statement, freshly dated.</summary>
    public static string Manifest(string build) => Build(build) + "/manifest";

    /// <summary>What is in the livepatch and why.</summary>
    public static string Explanation(string build) => Build(build) + "/explanation";

    /// <summary>Console output of the test's virtual machine.</summary>
    public static string Console(string build) => Build(build) + "/console";

    /// <summary>Whether a module has been withdrawn, by its SHA-256.</summary>
    public static string Withdrawal(string sha256) => $"{Withdrawals}/{Uri.EscapeDataString(sha256)}";

    /// <summary>One worker; POST takes its report.</summary>
    public static string Worker(string worker) => $"{Workers}/{Uri.EscapeDataString(worker)}";

    /// <summary>One toolchain root, as a tar archive compressed by gzip.</summary>
    public static string Toolchain(string digest) => $"{Toolchains}/{Uri.EscapeDataString(digest)}";

    /// <summary>POST assigns the build to a worker.</summary>
    public static string WorkBegin(string build) => WorkOf(build) + "/begin";

    /// <summary>An input of a build, by its digest.</summary>
    public static string WorkInput(string build, string digest) => $"{WorkOf(build)}/inputs/{Uri.EscapeDataString(digest)}";

    /// <summary>POST adds events.</summary>
    public static string WorkEvents(string build) => WorkOf(build) + "/events";

    /// <summary>POST returns the module with a kernel module signature appended.</summary>
    public static string WorkSignature(string build) => WorkOf(build) + "/signature";

    /// <summary>POST ends the build.</summary>
    public static string WorkResult(string build) => WorkOf(build) + "/result";

    /// <summary>POST returns the build to the queue for another worker.</summary>
    public static string WorkRelease(string build) => WorkOf(build) + "/release";

    private static string WorkOf(string build) => $"{Work}/{Uri.EscapeDataString(build)}";
}
