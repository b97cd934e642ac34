namespace Elivepatch.Protocol.Api;

/// <summary>Paths of the HTTP interface, version 1. <c>docs/api/v1.json</c> describes it.</summary>
public static class ApiRoutes
{
    /// <summary>Where version 1 begins.</summary>
    public const string Root = "/api/v1";

    /// <summary>Kernels: GET lists, POST takes a capture.</summary>
    public const string Kernels = Root + "/kernels";

    /// <summary>Builds: GET lists, POST submits.</summary>
    public const string Builds = Root + "/builds";

    /// <summary>Tokens: GET lists, POST makes one.</summary>
    public const string Tokens = Root + "/tokens";

    /// <summary>Machines: GET lists, POST takes a report.</summary>
    public const string Machines = Root + "/machines";

    /// <summary>Withdrawn livepatches: GET lists them, with the machines that report them.</summary>
    public const string Withdrawals = Root + "/withdrawals";

    /// <summary>The server's public keys.</summary>
    public const string Keys = Root + "/keys";

    /// <summary>The workers that were heard of lately.</summary>
    public const string Workers = Root + "/workers";

    /// <summary>Builds in the hands of workers.</summary>
    public const string Work = Root + "/work";

    /// <summary>Answers as long as the process does.</summary>
    public const string Live = "/health/live";

    /// <summary>Answers 200 where requests can be served: the database answers, the state can be written.</summary>
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

    /// <summary>Server-sent events of a build, from the first or from the one after <c>Last-Event-ID</c>.</summary>
    public static string Events(string build) => Build(build) + "/events";

    /// <summary>The log as text.</summary>
    public static string Log(string build) => Build(build) + "/log";

    /// <summary>The module (<c>.ko</c>).</summary>
    public static string Artifact(string build) => Build(build) + "/artifact";

    /// <summary>The signed manifest: a DSSE envelope of an in-toto statement, freshly dated.</summary>
    public static string Manifest(string build) => Build(build) + "/manifest";

    /// <summary>What is in the livepatch and why.</summary>
    public static string Explanation(string build) => Build(build) + "/explanation";

    /// <summary>What the test's virtual machine printed.</summary>
    public static string Console(string build) => Build(build) + "/console";

    /// <summary>Whether a module has been withdrawn, by its SHA-256.</summary>
    public static string Withdrawal(string sha256) => $"{Withdrawals}/{Uri.EscapeDataString(sha256)}";

    /// <summary>One worker; POST takes its report.</summary>
    public static string Worker(string worker) => $"{Workers}/{Uri.EscapeDataString(worker)}";

    /// <summary>POST takes the build up.</summary>
    public static string WorkBegin(string build) => WorkOf(build) + "/begin";

    /// <summary>Something that a build is made of, by its digest.</summary>
    public static string WorkInput(string build, string digest) => $"{WorkOf(build)}/inputs/{Uri.EscapeDataString(digest)}";

    /// <summary>POST adds events.</summary>
    public static string WorkEvents(string build) => WorkOf(build) + "/events";

    /// <summary>POST answers a module with the kernel's own signature.</summary>
    public static string WorkSignature(string build) => WorkOf(build) + "/signature";

    /// <summary>POST ends the build.</summary>
    public static string WorkResult(string build) => WorkOf(build) + "/result";

    /// <summary>POST gives the build back, so that another worker takes it up.</summary>
    public static string WorkRelease(string build) => WorkOf(build) + "/release";

    private static string WorkOf(string build) => $"{Work}/{Uri.EscapeDataString(build)}";
}
