using Elivepatch.Model.Explanations;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Protocol.Api;

/// <summary>What a worker says of itself, when it starts and every few seconds after that.</summary>
public sealed record WorkerReport
{
    /// <summary>Its name, for people; usually the host's.</summary>
    public required string Name { get; init; }

    /// <summary>The version of its engine, which has to be the server's: another one may build another livepatch.</summary>
    public required string Version { get; init; }

    /// <summary>What it can build for: names of architecture and compiler, as the broker routes by them.</summary>
    public required IReadOnlyList<string> Capabilities { get; init; }

    /// <summary>Ids of kernels whose trees it has prepared, the latest first.</summary>
    public required IReadOnlyList<string> Kernels { get; init; }

    /// <summary>How many builds it runs at once.</summary>
    public required int Builders { get; init; }

    /// <summary>What it runs.</summary>
    public required IReadOnlyList<WorkHold> Running { get; init; }
}

/// <summary>A build in the hands of a worker.</summary>
/// <param name="Build">The build's id.</param>
/// <param name="Attempt">Which attempt it is, from 1.</param>
public sealed record WorkHold(string Build, int Attempt);

/// <summary>What the server answers to a worker's report.</summary>
/// <param name="Ended">Builds that the worker runs and shall not: they were cancelled, or somebody else has them.</param>
/// <param name="HeldForSeconds">How long the worker keeps its builds if nothing is heard of it.</param>
public sealed record WorkerOrders(IReadOnlyList<string> Ended, int HeldForSeconds);

/// <summary>A worker as the server knows it.</summary>
/// <param name="Id">Its id, another one each time that it starts.</param>
/// <param name="Name">Its name.</param>
/// <param name="Version">The version of its engine.</param>
/// <param name="Capabilities">What it can build for.</param>
/// <param name="Kernels">Ids of kernels whose trees it has prepared.</param>
/// <param name="Builders">How many builds it runs at once.</param>
/// <param name="Running">Ids of the builds that it runs.</param>
/// <param name="Started">When it was first heard of.</param>
/// <param name="LastSeen">When it was last heard of.</param>
public sealed record WorkerView(
    string Id, string Name, string Version, IReadOnlyList<string> Capabilities, IReadOnlyList<string> Kernels, int Builders,
    IReadOnlyList<string> Running, DateTimeOffset Started, DateTimeOffset LastSeen);

/// <summary>A worker takes a build up.</summary>
/// <param name="Worker">The worker's id.</param>
public sealed record WorkBegin(string Worker);

/// <summary>All that a worker has to know of a build.</summary>
public sealed record WorkOrder
{
    /// <summary>The build's id.</summary>
    public required string Build { get; init; }

    /// <summary>Which attempt it is; everything that is said of the build names it.</summary>
    public required int Attempt { get; init; }

    /// <summary>What was asked for.</summary>
    public required BuildSubmission Submission { get; init; }

    /// <summary>The kernel.</summary>
    public required WorkKernel Kernel { get; init; }

    /// <summary>When livepatches are tried: <c>auto</c>, <c>required</c>, <c>optional</c> or <c>off</c>.</summary>
    public required string Trial { get; init; }

    /// <summary>How many seconds the script of a trial may take each time that it runs.</summary>
    public required int ScriptSeconds { get; init; }

    /// <summary>How many units may include what a patch changes.</summary>
    public required int MostUnits { get; init; }

    /// <summary>True where the server signs modules: what was built is sent to it before it is tried.</summary>
    public required bool SignsModules { get; init; }
}

/// <summary>A kernel, for a worker. Digests are of inputs that the server gives out.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Release">As <c>uname -r</c> gives it.</param>
/// <param name="BuildId">Build-id of vmlinux, hexadecimal.</param>
/// <param name="Compiler">The compiler that built it.</param>
/// <param name="Capture">SHA-256 of its capture.</param>
/// <param name="BootImage">SHA-256 of the boot image that a client sent, or null.</param>
/// <param name="Source">SHA-256 of the source archive that a client sent, or null.</param>
public sealed record WorkKernel(
    string Id, string Release, string BuildId, string Compiler, string Capture, string? BootImage, string? Source);

/// <summary>What came of a build, from a worker.</summary>
public sealed record WorkResult
{
    /// <summary>Why there is no livepatch; empty where there is one.</summary>
    public required IReadOnlyList<ProblemReport> Problems { get; init; }

    /// <summary>Name of the module.</summary>
    public string? Module { get; init; }

    /// <summary>The module (base64 in JSON).</summary>
    public byte[]? Artifact { get; init; }

    /// <summary>What is in the livepatch and why.</summary>
    public Explanation? Explanation { get; init; }

    /// <summary>What the test's virtual machine printed.</summary>
    public string? Console { get; init; }

    /// <summary>True where it passed its test, null where there was none.</summary>
    public bool? Tested { get; init; }

    /// <summary>What can be said of the module.</summary>
    public Statement? Statement { get; init; }
}
