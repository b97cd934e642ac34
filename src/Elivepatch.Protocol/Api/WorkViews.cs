using Elivepatch.Model.Explanations;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Protocol.Api;

/// <summary>The report of a worker, sent when it starts and every few seconds after that.</summary>
public sealed record WorkerReport
{
    /// <summary>Its name, for display; usually the host name.</summary>
    public required string Name { get; init; }

    /// <summary>The version of its engine, which has to be the server's: another version may build another livepatch.</summary>
    public required string Version { get; init; }

    /// <summary>What it can build for: names of architecture and compiler, by which the broker routes.</summary>
    public required IReadOnlyList<string> Capabilities { get; init; }

    /// <summary>IDs of kernels whose trees it has prepared, the latest first.</summary>
    public required IReadOnlyList<string> Kernels { get; init; }

    /// <summary>How many builds it runs at once.</summary>
    public required int Builders { get; init; }

    /// <summary>The builds that it is running.</summary>
    public required IReadOnlyList<AssignedBuild> Running { get; init; }
}

/// <summary>A build assigned to a worker.</summary>
/// <param name="Build">The build's ID.</param>
/// <param name="Attempt">The number of the attempt, from 1.</param>
public sealed record AssignedBuild(string Build, int Attempt);

/// <summary>The answer to a worker's report.</summary>
/// <param name="Ended">Builds that the worker must stop: they were cancelled, or assigned to another worker.</param>
/// <param name="HeldForSeconds">How long the worker keeps its builds if it stops reporting.</param>
/// <param name="Toolchains">The toolchain roots that the worker can get from this server.</param>
public sealed record WorkerOrders(IReadOnlyList<string> Ended, int HeldForSeconds, IReadOnlyList<ToolchainView> Toolchains);

/// <summary>A toolchain root that a server has: a root file system with compilers.</summary>
/// <param name="Digest">Digest of its files, hexadecimal.</param>
/// <param name="Name">Where it is from, such as <c>debian:trixie</c>.</param>
/// <param name="Compilers">The first line that each of its compilers prints of itself.</param>
/// <param name="Assembler">Version of its assembler, as kbuild writes it (24400 for 2.44).</param>
/// <param name="Linker">Version of its linker, likewise.</param>
/// <param name="RustCompiler">The first line that its Rust compiler prints of itself; empty for none.</param>
/// <param name="Size">Bytes of its files.</param>
public sealed record ToolchainView(
    string Digest,
    string Name,
    IReadOnlyList<string> Compilers,
    int Assembler,
    int Linker,
    string RustCompiler,
    long Size
);

/// <summary>A worker as the server knows it.</summary>
/// <param name="Id">Its ID, a new one at each start.</param>
/// <param name="Name">Its name.</param>
/// <param name="Version">The version of its engine.</param>
/// <param name="Capabilities">What it can build for.</param>
/// <param name="Kernels">IDs of kernels whose trees it has prepared.</param>
/// <param name="Builders">How many builds it runs at once.</param>
/// <param name="Running">IDs of the builds that it is running.</param>
/// <param name="Started">When it first reported.</param>
/// <param name="LastSeen">When it last reported.</param>
public sealed record WorkerView(
    string Id,
    string Name,
    string Version,
    IReadOnlyList<string> Capabilities,
    IReadOnlyList<string> Kernels,
    int Builders,
    IReadOnlyList<string> Running,
    DateTimeOffset Started,
    DateTimeOffset LastSeen
);

/// <summary>A request to assign a build to a worker.</summary>
/// <param name="Worker">The worker's ID.</param>
public sealed record WorkBegin(string Worker);

/// <summary>Everything that a worker needs to know about a build.</summary>
public sealed record WorkOrder
{
    /// <summary>The build's ID.</summary>
    public required string Build { get; init; }

    /// <summary>The number of the attempt; every message about the build names it.</summary>
    public required int Attempt { get; init; }

    /// <summary>The submission.</summary>
    public required BuildSubmission Submission { get; init; }

    /// <summary>The kernel.</summary>
    public required WorkKernel Kernel { get; init; }

    /// <summary>When livepatches are tested: <c>auto</c>, <c>required</c>, <c>optional</c> or <c>off</c>.</summary>
    public required string Trial { get; init; }

    /// <summary>Time limit for each run of a test's script, in seconds.</summary>
    public required int ScriptSeconds { get; init; }

    /// <summary>Maximum number of units that include what a patch changes.</summary>
    public required int MostUnits { get; init; }

    /// <summary>True if the server signs modules: the module is sent to it before it is tested.</summary>
    public required bool SignsModules { get; init; }
}

/// <summary>A kernel, for a worker. The digests are those of inputs that the server provides.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Release">As printed by <c>uname -r</c>.</param>
/// <param name="BuildId">Build-id of vmlinux, hexadecimal.</param>
/// <param name="Machine">Its processor, as printed by <c>uname -m</c>.</param>
/// <param name="Compiler">The compiler that built it.</param>
/// <param name="Capture">SHA-256 of its capture.</param>
/// <param name="BootImage">SHA-256 of the boot image that a client sent, or null.</param>
/// <param name="Source">SHA-256 of the source archive that a client sent, or null.</param>
public sealed record WorkKernel(
    string Id,
    string Release,
    string BuildId,
    string Machine,
    string Compiler,
    string Capture,
    string? BootImage,
    string? Source
);

/// <summary>The result of a build, from a worker.</summary>
public sealed record WorkResult
{
    /// <summary>Why there is no livepatch; empty if there is one.</summary>
    public required IReadOnlyList<ProblemReport> Problems { get; init; }

    /// <summary>Name of the module.</summary>
    public string? Module { get; init; }

    /// <summary>The module (base64 in JSON).</summary>
    public byte[]? Artifact { get; init; }

    /// <summary>What is in the livepatch and why.</summary>
    public Explanation? Explanation { get; init; }

    /// <summary>Console output of the test's virtual machine.</summary>
    public string? Console { get; init; }

    /// <summary>True if it passed its test, null if there was none.</summary>
    public bool? Tested { get; init; }

    /// <summary>The statement about the module.</summary>
    public Statement? Statement { get; init; }
}
