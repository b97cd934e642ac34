using Elivepatch.Model;
using Elivepatch.Model.Explanations;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Builder.Jobs;

/// <summary>All that a builder gets.</summary>
/// <param name="Id">The build's id.</param>
/// <param name="Kernel">The kernel, with the parts that this build is made of.</param>
/// <param name="Submission">What a client asked for; its rules have been checked.</param>
/// <param name="CapturePath">The kernel's capture.</param>
/// <param name="SourcePath">The source archive that a client sent, or null.</param>
/// <param name="BootImagePath">The boot image that a client sent, or null.</param>
public sealed record BuildOrder(
    string Id,
    WorkKernel Kernel,
    BuildSubmission Submission,
    string CapturePath,
    string? SourcePath,
    string? BootImagePath
)
{
    /// <summary>The files of the submission's modules, in their order.</summary>
    public IReadOnlyList<string> ModulePaths { get; init; } = [];
}

/// <summary>All that a builder gives back.</summary>
public sealed record BuildProduct
{
    /// <summary>Why there is no livepatch; empty if there is one.</summary>
    public IReadOnlyList<Problem> Problems { get; init; } = [];

    /// <summary>Name of the module.</summary>
    public string? Module { get; init; }

    /// <summary>The module, with its signature where the operator has modules signed; null where there is no livepatch.</summary>
    public byte[]? Artifact { get; init; }

    /// <summary>What is in the livepatch and why.</summary>
    public Explanation? Explanation { get; init; }

    /// <summary>Console output of the test's virtual machine.</summary>
    public string? Console { get; init; }

    /// <summary>True if it passed its test, null if there was none.</summary>
    public bool? Tested { get; init; }

    /// <summary>The statement about the module. Builder and validity are filled in by whoever signs it.</summary>
    public Statement? Statement { get; init; }
}

/// <summary>Runs one build.</summary>
/// <param name="order">What to build.</param>
/// <param name="journal">Told of stages and log lines.</param>
/// <param name="cancellation">Ends it.</param>
public delegate Task<BuildProduct> BuildRun(BuildOrder order, IProgress<BuildEvent> journal, CancellationToken cancellation);
